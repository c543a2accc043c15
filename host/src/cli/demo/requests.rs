//! Requests to paste.

/// A request to paste.
pub(super) struct Request {
    /// What it shows.
    what: &'static str,
    pub(super) path: &'static str,
    query: &'static [&'static str],
    /// The body, in lines that are short enough for a terminal.
    body: &'static [&'static str],
}

/// The requests, each of a kind of its own.
pub(super) const TRY: [Request; 6] = [
    Request {
        what: "A profile is tidied up: modify",
        path: "/openim/callbackBeforeUpdateUserInfoExCommand",
        query: &[],
        body: &[
            r#"{"userID":"user123","nickName":"  John   Doe ","#,
            r#""faceURL":"http://example.com/face.png","ex":null}"#,
        ],
    },
    Request {
        what: "A name like the support's is refused: deny",
        path: "/openim/callbackBeforeUpdateUserInfoExCommand",
        query: &[],
        body: &[r#"{"userID":"user123","nickName":"0fficial ＳＵＰＰＯＲＴ","#, r#""faceURL":null,"ex":null}"#],
    },
    Request {
        what: "A message with a listed word is refused on OpenIM: deny",
        path: "/openim/callbackBeforeSendSingleMsgCommand",
        query: &[],
        body: &[
            r#"{"sendID":"user123","recvID":"friend456","sessionType":1,"#,
            r#""contentType":101,"content":"{\"content\":\"Ｆree   money for you\"}"}"#,
        ],
    },
    Request {
        what: "The word is masked on Tencent Cloud Chat: modify",
        path: "/tencent-chat",
        query: &["SdkAppid=1400000000", "CallbackCommand=C2C.CallbackBeforeSendMsg"],
        body: &[
            r#"{"CallbackCommand":"C2C.CallbackBeforeSendMsg","#,
            r#""From_Account":"id1","To_Account":"id2","#,
            // In one line, because what is not changed comes back as it was.
            r#""MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"Free money!"}}]}"#,
        ],
    },
    Request {
        what: "A remark passes as it is: allow",
        path: "/openim/callbackBeforeSetFriendRemarkCommand",
        query: &[],
        body: &[r#"{"ownerUserID":"user123","friendUserID":"friend456","#, r#""remark":"My Best Friend"}"#],
    },
    Request {
        what: "A changed group becomes a record: allow",
        path: "/openim/callbackAfterSetGroupInfoExCommand",
        query: &[],
        body: &[
            r#"{"operationID":"1646445464564","groupID":"G002","#,
            r#""groupName":"NewGroupName","notification":null,"introduction":null,"#,
            r#""faceURL":null,"ex":null,"needVerification":0,"lookMemberInfo":1,"#,
            r#""applyMemberFriend":null}"#,
        ],
    },
];

impl Request {
    /// A command for a shell, in lines of at most 80 columns. Its output ends with a line break, which the answers do
    /// not.
    pub(super) fn as_command(&self, base: &str) -> String {
        let mut url = format!("'{base}{}", self.path);
        for (number, parameter) in self.query.iter().enumerate() {
            // A word goes on after an escaped line break, if the next line has no indent.
            url.push_str(if number == 0 { "?" } else { "'\\\n'&" });
            url.push_str(parameter);
        }
        let body = self.body.join("\n    ");
        let what = self.what;
        format!("# {what}\ncurl -sw '\\n' -H 'Content-Type: application/json' \\\n  {url}' \\\n  -d '{body}'\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_fit_into_a_terminal() {
        let address = "http://127.0.0.1:8080";
        for request in &TRY {
            for line in request.as_command(address).lines() {
                // Full-width letters take two columns.
                let columns: usize = line.chars().map(|char| if char >= '\u{1100}' { 2 } else { 1 }).sum();
                assert!(columns <= 80, "{columns}: {line}");
            }
        }
    }
}
