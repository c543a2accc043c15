//! Whatever the settings file says: it is read, or every mistake is a message on one line, and no message repeats a
//! value.

use std::path::Path;

use callgate::Settings;
use callgate::settings::Problem;

/// A value that seeds have where secrets or texts may be: no message may have it.
const CANARY: &str = "c4nary-in-the-settings";

/// Words of settings files.
pub const WORDS: &[&str] = &[
    CANARY,
    "[[platform]]\n",
    "[[plugin]]\n",
    "[limits]\n",
    "[server]\n",
    "[[platform.app]]\n",
    "[[fact]]\n",
    "source = \"counter\"\n",
    "source = \"file\"\n",
    "source = \"redis\"\n",
    "source = \"http\"\n",
    "url = ",
    "get = ",
    "body = ",
    "headers = { ",
    "statuses = [",
    "facts = { ",
    "{key}",
    "kind = ",
    "\"openim\"",
    "\"tencent-chat\"",
    "name = ",
    "path = ",
    "tokens = [{ file = \"x\" }]\n",
    "env = ",
    "commands = [\"*\"]\n",
    "on_fault = \"deny\"\n",
    "on_fault_for = { \"*\" = \"deny\" }\n",
    "settings = {",
    "settings_files = {",
    "\"\"\"",
    "'''",
    "\\u0000",
    "\\n",
    "= 1\n",
    "= 99999999999999999999\n",
    "= 1e400\n",
    "= 1979-05-27T07:32:00Z\n",
    "= inf\n",
    "= 0xff\n",
    "= []\n",
    "= {}\n",
    "\u{2028}",
    "\u{202e}",
    ".",
];

/// Bytes that are no text never get here: such a file cannot be read.
pub fn cast(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Nothing is beside it: what the text names is not found, unless it names it in full.
    let file = Path::new("/nonexistent/host.toml");
    match Settings::parse(file, text) {
        Ok(settings) => assert!(!settings.platforms.is_empty(), "{text:?}"),
        Err(problems) => {
            assert!(!problems.is_empty(), "{text:?}");
            let may_repeat = is_a_name(text);
            let lines = text.matches('\n').count() + 1;
            for problem in &problems {
                is_one_line(problem, lines, text);
                assert!(may_repeat || !problem.message.contains(CANARY), "{problem}\n{text:?}");
            }
        }
    }
}

/// Names that error messages may show: platforms and facts, to plugins that name an unknown one, and plugins, to facts.
fn is_a_name(text: &str) -> bool {
    let Ok(table) = text.parse::<toml::Table>() else { return false };
    let tables = ["platform", "fact", "plugin"].iter().filter_map(|list| table.get(*list)?.as_array());
    let name = |table: &toml::Value| table.get("name")?.as_str().map(|name| name.contains(CANARY));
    tables.flatten().filter_map(name).any(|is_canary| is_canary)
}

fn is_one_line(problem: &Problem, lines: usize, text: &str) {
    let shown = problem.to_string();
    assert!(!shown.contains(|c: char| c.is_control()), "{shown:?}\n{text:?}");
    assert!(problem.line <= lines && !problem.message.is_empty(), "{shown:?}\n{text:?}");
}

/// The example, the files of mistakes, and a file with a canary everywhere.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = super::fixtures("settings", ".toml");
    seeds.push(std::fs::read(crate::guests::repository().join("host/host.example.toml")).expect("the example"));
    let everywhere = r#"
        [server]
        listen = "CANARY"
        [admin]
        listen = "CANARY"
        [limits]
        memory_reset = "CANARY"
        fuel_per_call = "CANARY"
        [cache]
        folder = ["CANARY"]
        [records]
        file = 1
        [journal]
        folder = ["CANARY"]
        when_full = "CANARY"
        [journal.decisions]
        keep = "CANARY"
        redact = ["CANARY", ""]
        [[sink]]
        name = "CANARY CANARY"
        kind = "CANARY"
        topics = ["CANARY *"]
        [[sink]]
        name = "f"
        kind = "file"
        path = "CANARY"
        format = "CANARY"
        [[sink]]
        name = "h"
        kind = "http"
        url = "http://CANARY:CANARY@CANARY/CANARY"
        secrets = ["CANARY", { env = "CANARY" }, { file = "CANARY" }]
        [[platform]]
        kind = "CANARY"
        [[platform]]
        kind = "tencent-chat"
        path = "CANARY"
        on_fault = "CANARY"
        on_fault_for = { "*" = "CANARY" }
        [[platform.app]]
        id = "CANARY"
        tokens = ["CANARY", { env = "CANARY" }, { file = "CANARY" }]
        [[fact]]
        name = "CANARY CANARY"
        source = "CANARY"
        plugins = ["CANARY"]
        [[fact]]
        name = "r"
        source = "redis"
        urls = ["redis://CANARY:CANARY@CANARY", "CANARY"]
        username = "CANARY"
        password = { file = "CANARY" }
        get = "CANARY"
        [[fact]]
        name = "h"
        source = "http"
        url = "http://CANARY:CANARY@{key}/CANARY"
        method = "CANARY"
        body = "CANARY"
        headers = { "a b" = "CANARY", Host = "CANARY", X-A = { env = "CANARY" }, X-B = "CANARY\n{key}" }
        statuses = ["CANARY"]
        pointer = "CANARY"
        private_networks = ["CANARY"]
        [[fact]]
        name = "f"
        source = "file"
        path = ["CANARY"]
        format = "CANARY"
        count = "CANARY"
        [[plugin]]
        name = "a plugin"
        facts = { a = "CANARY", b = "r" }
        wasm = "CANARY"
        source = "CANARY"
        sha256 = "CANARY"
        platform = ["CANARY"]
        commands = ["CANARY"]
        settings = { a = "CANARY", b = 1e400 }
        settings_files = { a = "CANARY" }
    "#;
    seeds.push(everywhere.replace("CANARY", CANARY).into_bytes());
    seeds
}
