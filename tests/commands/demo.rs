//! `demo`: looks at the ports first, leaves nothing in the checkout, and prints requests that do what they say.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use harness::guests;

use crate::program::{Ended, Folder, folder, has_curl};

/// The example's settings with modules that are built already.
fn example() -> String {
    let example = guests::repository().join("host/host.example.toml");
    let text = std::fs::read_to_string(&example).unwrap();
    let line = |line: &str| match line.split_once("source = \"../plugins/") {
        Some((_, name)) => format!("wasm = {:?}", guests::shipped(name.trim_end_matches('"'))),
        None => line.replace("\"../plugins", &format!("\"{}/plugins", guests::repository().display())),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A demo that serves.
struct Demo {
    process: Child,
    command: Command,
    /// What it has printed, up to the heading of the log.
    printed: String,
}

impl Demo {
    fn start(folder: &Folder) -> Self {
        let mut command = folder.command(["demo", "--settings", "host.toml", "--listen", "127.0.0.1:0"]);
        // Records go to a temporary folder of its own.
        command.env("TMPDIR", folder.path("")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.contains("\nVERDICT ") {
            assert_ne!(out.read_line(&mut printed).unwrap(), 0, "it ended: {printed}");
        }
        Self { process, command, printed }
    }

    /// Stops it; its log.
    fn stop(mut self) -> String {
        assert!(Command::new("kill").arg(self.process.id().to_string()).status().unwrap().success());
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        let mut output = self.process.wait_with_output().unwrap();
        output.stderr = log.clone().into_bytes();
        Ended::from(&self.command, output).succeeds();
        log
    }
}

/// What a shell prints for these commands.
fn typed(script: &str) -> String {
    let typed = Command::new("bash").args(["-euc", script]).output().unwrap();
    String::from_utf8(typed.stdout).unwrap()
}

#[test]
fn its_requests_are_answered_as_they_say_and_nothing_is_left_behind() {
    if !has_curl("the demo") {
        return;
    }
    let folder = folder().file("host.toml", example());
    let demo = Demo::start(&folder);
    let (_, requests) = demo.printed.split_once("# ").unwrap();
    let (requests, rest) = requests.split_once("Records go to ").unwrap();
    let records = rest.lines().next().unwrap().trim_end_matches('.').to_owned();
    assert!(records.starts_with(folder.path("").to_str().unwrap()), "{records}");
    let answers = typed(&format!("# {requests}"));
    let expected = [
        r#""nickName":"John Doe","faceURL":"https://example.com/face.png"}"#,
        r#""errCode":5001,"#,
        r#""errCode":5004,"#,
        r#""Text":"**** *****!""#,
        r#""nextCode":0}"#,
        r#""nextCode":0}"#,
    ];
    // Each answer ends its line. A masked message has the line breaks that it was sent with.
    assert!(answers.ends_with('\n'), "{answers}");
    let lines = serde_json::Deserializer::from_str(&answers).into_iter::<serde_json::Value>();
    let lines: Vec<String> = lines.map(|answer| answer.unwrap().to_string()).collect();
    assert_eq!(lines.len(), expected.len(), "{answers}");
    for (line, part) in lines.iter().zip(expected) {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(std::fs::read_to_string(&records).unwrap().contains("NewGroupName"));

    let log = demo.stop();
    let verdicts: Vec<_> = log.lines().filter(|line| line.ends_with(" ms")).collect();
    let words: Vec<_> = verdicts.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(words, ["modify", "deny", "deny", "modify", "allow", "allow"], "{log}");
    assert!(verdicts.iter().all(|line| line.chars().count() <= 80), "{log}");
    assert!(!std::path::Path::new(&records).exists());
    assert!(!folder.path("records.jsonl").exists());
}

#[test]
fn the_readme_shows_what_the_demo_answers_and_links_every_page() {
    if !has_curl("the README") {
        return;
    }
    let page = std::fs::read_to_string(guests::repository().join("README.md")).unwrap();
    let folder = folder().file("host.toml", example());
    let demo = Demo::start(&folder);
    let address = demo.printed.split("http://").nth(1).unwrap().split(". ").next().unwrap();
    let mut shown = 0;
    for block in page.split("```sh\n").skip(1).filter(|block| block.starts_with("curl ")) {
        let (command, rest) = block.split_once("\n```\n").unwrap();
        let (_, answer) = rest.split_once("```json\n").unwrap();
        let (answer, _) = answer.split_once("```").unwrap();
        assert_eq!(typed(&command.replace("127.0.0.1:8080", address)), answer, "{command}");
        shown += 1;
    }
    assert_eq!(shown, 3);
    demo.stop();
    let listed = Command::new("git").args(["ls-files", "*.md"]).current_dir(guests::repository()).output().unwrap();
    let pages = String::from_utf8(listed.stdout).unwrap();
    for name in pages.lines().filter(|name| *name != "README.md") {
        assert!(page.contains(&format!("({name}")), "{name} is not linked");
    }
}

#[test]
fn an_address_that_is_taken_is_named_before_anything_is_built() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    // A crate that cannot be built: that is not even tried.
    let broken = "[[platform]]\nkind = \"openim\"\n[[plugin]]\nname = \"p\"\nsource = \"p\"\ncommands = [\"*\"]\n";
    let folder = folder().file("host.toml", broken).file("p/Cargo.toml", "broken");
    let part = format!("cannot listen on {address} (Address already in use (os error 98))");
    folder.type_in(&format!("demo --settings host.toml --listen {address}")).fails(5, &[&part]);
}
