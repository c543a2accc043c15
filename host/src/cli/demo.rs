//! `callgate demo`: builds and serves the shipped plugins, and prints requests to try.

use std::path::{Path, PathBuf};

use callgate_terminal::{self as terminal, Failure};
use clap::Args;

use super::serve;
use crate::host::Host;

/// Build the shipped plugins, serve them on 127.0.0.1:8080 and print requests to try
#[derive(Debug, Args)]
#[command(after_help = "Example: cargo run --release -- demo")]
pub(super) struct Demo {
    /// The settings file [default: host/host.example.toml of this checkout]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

impl Demo {
    /// Runs the command.
    ///
    /// # Errors
    /// If a plugin cannot be built, or an address is taken.
    pub(super) fn run(self) -> Result<(), Failure> {
        let settings = self.settings.unwrap_or_else(example);
        let host = serve::start(serve::load(&settings)?)?;
        serve::run(host, |host| {
            // Serve even if this cannot be printed.
            let _ = terminal::print(&invitation(host));
        })
    }
}

/// The example in the working directory's checkout, else in the checkout that this program was built from.
fn example() -> PathBuf {
    let here = Path::new("host/host.example.toml");
    if here.is_file() { here.to_owned() } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("host.example.toml") }
}

/// Requests to paste: what each shows, its path and its body.
const TRY: [(&str, &str, &str); 5] = [
    (
        "a profile is tidied up (modify)",
        "/openim/callbackBeforeUpdateUserInfoExCommand?contenttype=json",
        r#"{"callbackCommand":"callbackBeforeUpdateUserInfoExCommand","userID":"user123","nickName":"  John   Doe ","faceURL":"http://example.com/path/to/face/image.png","ex":"Extra data"}"#,
    ),
    (
        "a reserved name is denied",
        "/openim/callbackBeforeUpdateUserInfoExCommand",
        r#"{"callbackCommand":"callbackBeforeUpdateUserInfoExCommand","userID":"user123","nickName":"0fficial ＳＵＰＰＯＲＴ","faceURL":null,"ex":null}"#,
    ),
    (
        "a remark is allowed as it is",
        "/openim?command=callbackBeforeSetFriendRemarkCommand&contenttype=json",
        r#"{"callbackCommand":"callbackBeforeSetFriendRemarkCommand","ownerUserID":"user123","friendUserID":"friend456","remark":"My Best Friend"}"#,
    ),
    (
        "a group change becomes a record",
        "/openim/callbackAfterSetGroupInfoExCommand",
        r#"{"callbackCommand":"callbackAfterSetGroupInfoExCommand","operationID":"1646445464564","groupID":"G002","groupName":"NewGroupName","notification":null,"introduction":null,"faceURL":null,"ex":null,"needVerification":0,"lookMemberInfo":1,"applyMemberFriend":null}"#,
    ),
    (
        "a profile change on the other platform becomes a record",
        "/tencent-chat?SdkAppid=1400000000&CallbackCommand=Profile.CallbackPortraitSet&contenttype=json&ClientIP=127.0.0.1&OptPlatform=Web",
        r#"{"CallbackCommand":"Profile.CallbackPortraitSet","Operator_Account":"id1","From_Account":"id1","EventTime":1670574414123,"ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"MyNickName"},{"Tag":"Tag_Profile_IM_Gender","Value":"Gender_Type_Male"}]}"#,
    ),
];

fn invitation(host: &Host) -> String {
    let address = host.settings.server.listen;
    let mut text = format!("\nCallgate is serving on http://{address}. Try:\n");
    for (what, path, body) in TRY {
        text.push_str(&format!(
            "\n# {what}\ncurl -s -H 'Content-Type: application/json' 'http://{address}{path}' -d '{body}'\n"
        ));
    }
    text.push_str(&format!("\nRecords go to {}.\n", host.settings.records_file.display()));
    if let Some(admin) = host.settings.admin {
        text.push_str(&format!("Metrics: curl -s http://{admin}/metrics\n"));
    }
    text.push_str("Stop with Ctrl-C. Each callback is logged on one line below.\n\n");
    text
}
