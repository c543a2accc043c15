//! Which callbacks must be processed in order, and which one repeats another.

use callgate_catalogue::Object;
use callgate_catalogue::catalogue::Protocol;
use sha2::{Digest, Sha256};

use crate::callback::Callback;

/// Maximum length of an order key, in bytes: longer IDs than any chat server has are cut. Callbacks that share a key by
/// that wait for each other, and lose nothing.
pub const ORDER_KEY_BYTES_MAX: usize = 200;

impl Callback {
    /// What the callback is about: its group; else the users that it names, in the order of the alphabet, so that both
    /// directions of a conversation have one key. Callbacks with the same key are processed in order of arrival. Empty
    /// if it names no user or group: then its order is not guaranteed.
    #[must_use]
    pub fn order_key(&self, protocol: &Protocol) -> String {
        let Some(command) = self.command() else { return String::new() };
        let mut key = protocol.people.subject(command, self.body());
        if key.len() > ORDER_KEY_BYTES_MAX {
            key.truncate(key.floor_char_boundary(ORDER_KEY_BYTES_MAX));
        }
        key
    }

    /// A number that a repeated callback has, too; `None` if nothing distinguishes a repetition from a new event.
    ///
    /// It is the SHA-256 of command and body, for commands that have members by which the catalogue tells events apart
    /// ([`Command::key`](callgate_catalogue::catalogue::Command::key)), if all of these are there. The members alone
    /// would not do: some are chosen by the user's client, others are times, and an event that is mistaken for another
    /// is lost.
    #[must_use]
    pub fn duplicate_key(&self) -> Option<[u8; 32]> {
        let command = self.command().filter(|command| !command.key.is_empty())?;
        let body = Object::parse(command.name, self.body()).ok()?;
        let is_there = |name: &&str| body.raw(name).is_some_and(|raw| !matches!(raw.get(), "null" | "\"\"" | "[]"));
        if !command.key.iter().all(is_there) {
            return None;
        }
        let mut digest = Sha256::new();
        digest.update(command.protocol);
        digest.update([0]);
        digest.update(command.name);
        digest.update([0]);
        digest.update(self.body());
        Some(digest.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::CHAT_SERVERS;

    fn callback(command: &str, body: &str) -> (Callback, &'static Protocol) {
        let server = CHAT_SERVERS.iter().find(|server| server.commands().find(command).is_some()).unwrap();
        (Callback::local(server.commands().find(command).unwrap(), body.to_owned()).unwrap(), server.protocol())
    }

    fn order(command: &str, body: &str) -> String {
        let (callback, protocol) = callback(command, body);
        callback.order_key(protocol)
    }

    #[test]
    fn a_conversation_has_one_key_in_both_directions_and_a_group_one_for_all_its_members() {
        let single = "callbackAfterSendSingleMsgCommand";
        assert_eq!(order(single, r#"{"sendID":"otto","recvID":"mei"}"#), "mei|otto");
        assert_eq!(order(single, r#"{"sendID":"mei","recvID":"otto"}"#), "mei|otto");
        let group = "callbackAfterSendGroupMsgCommand";
        assert_eq!(order(group, r#"{"sendID":"otto","recvID":"","groupID":"g9"}"#), "g9");
        assert_eq!(order("callbackAfterDisMissGroupCommand", r#"{"groupID":"g9","ownerID":"mei"}"#), "g9");
        assert_eq!(order("Group.CallbackAfterSendMsg", r#"{"GroupId":"@TGS#1","From_Account":"mei"}"#), "@TGS#1");
        assert_eq!(order("C2C.CallbackAfterSendMsg", r#"{"From_Account":"b","To_Account":"a"}"#), "a|b");
        assert_eq!(order(single, "{}"), "");
    }

    #[test]
    fn a_key_is_bounded_and_cut_between_characters() {
        let long = "ä".repeat(ORDER_KEY_BYTES_MAX);
        let key = order("callbackAfterSendGroupMsgCommand", &format!("{{\"groupID\":\"x{long}\"}}"));
        assert_eq!(key.len(), ORDER_KEY_BYTES_MAX - 1);
    }

    #[test]
    fn a_repetition_has_the_same_duplicate_key_and_a_different_event_another() {
        let of = |command: &str, body: &str| callback(command, body).0.duplicate_key();
        let sent = "Group.CallbackAfterSendMsg";
        let body = r#"{"GroupId":"g","TopicId":"t","MsgSeq":7,"From_Account":"mei"}"#;
        assert!(of(sent, body).is_some());
        assert_eq!(of(sent, body), of(sent, body));
        // The same ID with another content, which a user's client can send.
        assert_ne!(of(sent, body), of(sent, &body.replace("mei", "otto")));
        assert_eq!(of(sent, r#"{"GroupId":"g","MsgSeq":7}"#), None, "without a member of the key");
        assert_eq!(of("callbackAfterUserRegisterCommand", "{\"users\":[]}"), None, "without a key");
        let stage = |stage| format!(r#"{{"MsgKey":"m","To_Account":"a","PushStage":{stage}}}"#);
        assert_ne!(of("Push.OfflinePush", &stage(1)), of("Push.OfflinePush", &stage(2)));
    }
}
