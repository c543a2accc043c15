//! Wrong arguments: exit code 2, and a sentence that says which.

use harness::guests;

use crate::program::folder;

#[test]
fn wrong_arguments_are_named() {
    let folder = folder();
    for (line, part) in [
        ("frobnicate", "unrecognized subcommand 'frobnicate'"),
        ("chek --settings x", "a similar subcommand exists: 'check'"),
        ("check", "--settings <FILE>"),
        ("serve", "--settings <FILE>"),
        ("check --settings a --settings b", "cannot be used multiple times"),
        ("run", "<PLUGIN>"),
        ("run p.wasm", "--request <FILE>"),
        ("run p.wasm --request ok.json --repeat 0", "0 is not in 1..=1000000"),
        ("run p.wasm --request ok.json --repeat -1", "unexpected argument '-1'"),
        ("run p.wasm --request ok.json --platform telegram", "the platforms are `openim` and `tencent-chat`"),
        ("run p.wasm --request - --settings -", "--request and --settings cannot both be standard input: give one"),
        ("profile", "<PLUGIN>"),
        ("profile p.wasm", "--request <FILE>"),
        ("profile p.wasm --request ok.json --top 0", "0 is not in 1..=100000"),
        ("profile p.wasm --request ok.json --platform telegram", "the platforms are `openim` and `tencent-chat`"),
        ("profile p.wasm --request ok.json --folded", "a value is required for '--folded <FILE>'"),
        ("profile p.wasm --request - --settings -", "--request and --settings cannot both be standard input: give one"),
        ("test . --fuel-max many", "invalid value 'many' for '--fuel-max <N>'"),
        ("test . --fuel-max 0", "0 is not in 1.."),
        ("test . --fuel-max -1", "unexpected argument '-1'"),
        ("new", "<NAME>"),
        ("new --command callbackBeforeAddFriendCommand", "the new folder is not named: give it after `new`"),
        ("inspect", "<PLUGIN>"),
        ("new p --sdk-path a --sdk-git b", "cannot be used with"),
        ("new p --platform telegram", "the platforms are `openim` and `tencent-chat`"),
        ("explain --platform openim --command c --request ok.json", "<--answer <FILE>|--settings <FILE>>"),
        ("explain --platform openim --command c --request ok.json --answer a --settings s", "cannot be used with"),
        ("explain --platform openim --command c --request - --answer -", "cannot both be standard input"),
        ("explain --platform openim --command c --request r --answer a --status 99", "99 is not in 100..=999"),
        ("connect", "--settings <FILE>"),
        ("connect --settings x --url h", "it must be http:// or https:// with a host"),
        ("doctor --webhooks x", "--settings <FILE>"),
        ("doctor --settings x --environment y", "--webhooks <FILE>"),
        ("demo --listen here", "invalid value 'here' for '--listen <ADDRESS>'"),
        ("journal show --settings x", "<ID>"),
        ("reload", "--settings <FILE>"),
        ("reload --admin here", "must be an address or a name, and a port"),
        ("reload --admin https://localhost:1", "with https, --settings is needed, too"),
        ("rollback --settings x --list --to 3", "cannot be used with"),
        ("rollback --settings x --to three", "invalid value 'three' for '--to <NUMBER>'"),
        ("shadow report", "--settings <FILE>"),
        ("shadow promote s", "--settings <FILE>"),
        ("shadow promote s --admin :1", "a candidate is promoted in the settings file: name it with --settings"),
        ("shadow reset --settings x", "<NAME>"),
        ("shadow resume --settings x", "<NAME>"),
        ("completions", "<SHELL>"),
        ("completions klingon", "possible values: bash, elvish, fish, powershell, zsh"),
        ("man --dir", "a value is required for '--dir <DIR>'"),
        ("check --settings x --log loud", "invalid value 'loud' for '--log <LEVEL>'"),
    ] {
        folder.type_in(line).fails(2, &[part]);
    }
}

#[test]
fn without_a_command_they_are_listed() {
    let ended = folder().type_in("");
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""));
    let commands = [
        "serve",
        "check",
        "connect",
        "doctor",
        "journal",
        "reload",
        "rollback",
        "shadow",
        "new",
        "build",
        "inspect",
        "run",
        "test",
        "profile",
        "explain",
        "demo",
        "completions",
        "man",
    ];
    let readme = std::fs::read_to_string(guests::repository().join("README.md")).unwrap();
    let rows: String = readme.lines().filter(|line| line.starts_with("| `")).collect();
    for command in commands {
        assert!(ended.err.contains(&format!("\n  {command} ")), "{command}: {ended:#?}");
        let is_told = [" ", "`"].iter().any(|end| rows.contains(&format!("`{command}{end}")));
        assert!(is_told, "{command} is in no table of the README");
    }
    let codes: Vec<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | ")).map(|row| row.0).collect();
    let help = folder().type_in("--help").succeeds().split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, listed) = help.split_once("Exit codes: ").unwrap();
    for exit in listed.split(", ").filter_map(|exit| exit.split_once(' ')).map(|exit| exit.0) {
        assert!(exit.parse::<u8>().is_err() || codes.contains(&exit), "exit code {exit} is not in the README");
    }
}

#[test]
fn help_completions_and_pages_are_printed() {
    let folder = folder();
    for (line, starts) in [
        ("--version", "callgate 0."),
        ("run --help", "Run one callback"),
        ("help test", "Run the callbacks"),
        ("profile --help", "Show which functions of a plugin burn the fuel"),
        ("completions bash", "_callgate()"),
        ("man", ".ie"),
    ] {
        let text = folder.type_in(line).succeeds();
        assert!(text.starts_with(starts), "{line}: {text}");
    }
    assert_eq!(folder.type_in("man --dir pages").succeeds(), "");
    assert!(folder.path("pages/callgate-run.1").is_file());
}

#[test]
fn pages_that_cannot_be_written_are_named() {
    let folder = folder().file("taken", "");
    let part =
        "the manual pages cannot be written to taken (File exists (os error 17)): name another folder with --dir";
    folder.type_in("man --dir taken").fails(1, &[part]);
}
