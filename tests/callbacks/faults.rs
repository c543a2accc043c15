//! Whatever a plugin does, the chat server has its answer, and the next call is normal.

use harness::{guests, setup};
use serde_json::json;

#[tokio::test]
async fn a_plugin_that_loops_is_stopped_by_fuel() {
    let host = setup().plugin("spins", guests::text("spins"), "callbackBeforeAddFriend*", "").start();
    let answer = host.openim("callbackBeforeAddFriendCommand", &json!({})).await;
    assert_eq!(answer["nextCode"], 0, "fails open by default");
    assert_eq!(host.metric("callgate_plugin_faults_total", &["plugin=\"spins\"", "fault=\"out_of_fuel\""]), 1.0);
}
