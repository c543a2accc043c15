//! A callback that filter-messages decides, and long lists of words.

/// The command that filter-messages decides here.
pub const MESSAGE_COMMAND: &str = "callbackBeforeSendSingleMsgCommand";

/// A message of usual length in which no word of [`words`] occurs: all of it is searched.
pub const SEARCHED_WHOLE: &str = "Shall we meet at the station on Saturday? I bring the map and some tea.";

/// A message from one user to another, as OpenIM posts it. `text` is written as it is into a JSON text inside of
/// another one, so it must hold nothing that would have to be escaped.
pub fn message_body(text: &str) -> String {
    format!(
        r#"{{"sendID":"u_alice","callbackCommand":"{MESSAGE_COMMAND}","serverMsgID":"smid-0001","clientMsgID":"cmid-0001","operationID":"op-1700000000000","senderPlatformID":2,"senderNickname":"Alice","sessionType":1,"msgFrom":100,"contentType":101,"status":1,"sendTime":1700000000000,"createTime":1700000000000,"content":"{{\"content\":\"{text}\"}}","seq":0,"atUserList":null,"faceURL":"https://ex.com/a.png","ex":"","recvID":"u_bob"}}"#
    )
}

/// So many made-up words.
pub fn words(count: usize) -> Vec<String> {
    (0..count).map(word).collect()
}

/// A made-up word, another one for each number: syllables that look like language, so that the automaton has the
/// shape that a real list gives it.
fn word(number: usize) -> String {
    const SYLLABLES: [&str; 22] = [
        "ba", "der", "gon", "lu", "mi", "nor", "pel", "qua", "ris", "sto", "tu", "vak", "wen", "xi", "yor", "zam",
        "fli", "kro", "hus", "jen", "cas", "olt",
    ];
    let mut rest = number;
    let mut word = String::new();
    for _ in 0..4 {
        word.push_str(SYLLABLES.get(rest % SYLLABLES.len()).expect("the remainder is smaller than the length"));
        rest /= SYLLABLES.len();
    }
    word
}
