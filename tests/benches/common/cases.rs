//! Each shipped plugin with settings and one callback that it has something to do for.

use plugin_sdk::Plugin;
use plugin_sdk::export::{configured, decided};
use plugin_sdk::wire::Phase;

use super::message;
pub use super::profile::{GUARDED_COMMAND, profile_body};
use super::profile::{envelope, profile_envelope};

/// From an envelope to a reply.
pub type Native = Box<dyn Fn(&str) -> Vec<u8>>;

/// A plugin at work.
pub struct Case {
    /// For the report.
    pub name: &'static str,
    /// The crate's folder under `plugins`.
    pub plugin: &'static str,
    /// What it is configured with: a JSON object.
    pub settings: String,
    /// What it is asked, as the host would write it.
    pub envelope: String,
    /// The same plugin compiled for this machine.
    pub native: Native,
}

impl Case {
    fn new<P: Plugin + 'static>(name: &'static str, plugin: &'static str, settings: &str, envelope: String) -> Self {
        let input = format!(r#"{{"settings":{settings}}}"#);
        let configured = configured::<P>(&input).unwrap_or_else(|error| panic!("{name}: {error}"));
        let native = Box::new(move |envelope: &str| decided(&configured, envelope, &[]));
        Self { name, plugin, settings: settings.to_owned(), envelope, native }
    }

    /// The module, built if need be.
    pub fn module(&self) -> Vec<u8> {
        std::fs::read(harness::guests::shipped(self.plugin)).expect("a module that was just built can be read")
    }
}

/// All plugins, filter-messages with a short and with a long list.
pub fn all() -> Vec<Case> {
    let remark = r#"{"callbackCommand":"callbackBeforeSetFriendRemarkCommand","ownerUserID":"user123","friendUserID":"user456","remark":"My  Best\u200b Friend "}"#;
    let portrait = r#"{"CallbackCommand":"Profile.CallbackPortraitSet","From_Account":"mei","Operator_Account":"mei","EventTime":1767225600900,"ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"Mei L."},{"Tag":"Tag_Profile_IM_BirthDay","Value":19940321},{"Tag":"Tag_Profile_Custom_Team","Value":"blue"}]}"#;
    let group = r#"{"callbackCommand":"callbackAfterSetGroupInfoExCommand","groupID":"g_1","groupName":"Weekend hikers","notification":null,"introduction":"We meet on Saturdays","faceURL":null,"ex":null,"needVerification":1,"lookMemberInfo":null,"applyMemberFriend":null}"#;
    vec![
        guard_profile(),
        Case::new::<clean_remark::CleanRemark>(
            "clean-remark",
            "clean-remark",
            "{}",
            envelope("openim", "callbackBeforeSetFriendRemarkCommand", Phase::Before, remark),
        ),
        filter_messages("filter-messages/10", 10),
        filter_messages("filter-messages/10000", 10_000),
        Case::new::<mirror_profile::MirrorProfile>(
            "mirror-profile",
            "mirror-profile",
            "{}",
            envelope("tencent-chat", "Profile.CallbackPortraitSet", Phase::After, portrait),
        ),
        Case::new::<mirror_group::MirrorGroup>(
            "mirror-group",
            "mirror-group",
            "{}",
            envelope("openim", "callbackAfterSetGroupInfoExCommand", Phase::After, group),
        ),
    ]
}

/// A name to tidy and a picture's address to change: the longest way through the plugin.
pub fn guard_profile() -> Case {
    Case::new::<guard_profile::GuardProfile>("guard-profile", "guard-profile", "{}", profile_envelope(0))
}

/// A message in which no listed word occurs, and so many words.
pub fn filter_messages(name: &'static str, words: usize) -> Case {
    let settings = serde_json::json!({ "words": message::words(words) }).to_string();
    let body = message::message_body(message::SEARCHED_WHOLE);
    let envelope = envelope("openim", message::MESSAGE_COMMAND, Phase::Before, &body);
    Case::new::<filter_messages::FilterMessages>(name, "filter-messages", &settings, envelope)
}
