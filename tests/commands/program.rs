//! Runs the program, and says what every command owes to whoever calls it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder to run the program in.
pub struct Folder(tempfile::TempDir);

/// A request that every platform's rules accept.
pub const REQUEST: &str = r#"{"callbackCommand":"callbackBeforeAddFriendCommand","fromUserID":"u1","toUserID":"u2"}"#;

/// A folder with `ok.json`, a callback.
pub fn folder() -> Folder {
    Folder(tempfile::tempdir().unwrap()).file("ok.json", REQUEST)
}

impl Folder {
    /// Writes a file, and the folders that it lies in.
    pub fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
        self
    }

    /// Makes an empty folder inside.
    pub fn folder(self, name: &str) -> Self {
        std::fs::create_dir_all(self.path(name)).unwrap();
        self
    }

    /// Puts a module there.
    pub fn module(self, name: &str, module: impl AsRef<Path>) -> Self {
        let bytes = std::fs::read(module).unwrap();
        self.file(name, bytes)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program with these arguments, in this folder; standard input is empty.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callgate"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        // A panic would show itself in full, and colours are not wanted because of the pipe, not because of a setting.
        command.env("RUST_BACKTRACE", "1").env_remove("NO_COLOR");
        // Crates of the same name in one target folder would be built over each other.
        command.env("CARGO_TARGET_DIR", self.path("target"));
        // What is compiled stays in the folder, and goes with it.
        command.env("CACHE_DIRECTORY", self.path("cache"));
        command.env("STATE_DIRECTORY", self.path("state"));
        command
    }

    /// Runs the program to its end.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        Ended::of(&mut self.command(arguments))
    }

    /// Runs it with the words of `line` as arguments.
    pub fn type_in(&self, line: &str) -> Ended {
        self.run(line.split_whitespace())
    }
}

/// Whether curl, which pages tell their readers to type, is here. Without it, a line says what is not tried.
pub fn has_curl(what: &str) -> bool {
    let has = Command::new("curl").arg("--version").output().is_ok();
    if !has {
        eprintln!("SKIPPED: {what} is not tried because curl is not installed");
    }
    has
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    /// Only shown.
    _arguments: Vec<std::ffi::OsString>,
}

impl Ended {
    /// Runs it to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self::from(command, output)
    }

    /// From what it left.
    pub fn from(command: &Command, Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("everything that is printed is UTF-8");
        let _arguments = command.get_args().map(OsStr::to_owned).collect();
        let ended = Self { code: status.code(), out: text(stdout), err: text(stderr), _arguments };
        for text in [&ended.out, &ended.err] {
            for never in ["panicked at", "stack backtrace", "RUST_BACKTRACE", "\x1b", "please report this"] {
                assert!(!text.contains(never), "{never:?} in {ended:#?}");
            }
        }
        ended
    }

    /// It did what it was asked for, and has nothing to complain about; what it printed.
    #[track_caller]
    pub fn succeeds(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        assert!(!self.err.contains("error:"), "{self:#?}");
        self.out
    }

    /// It ended with this exit code, printed nothing on standard output, and on standard error one message that has all
    /// of these parts; the message, from `error:` on.
    #[track_caller]
    pub fn fails(self, code: i32, parts: &[&str]) -> String {
        assert_eq!(self.out, "", "{self:#?}");
        self.fails_with_output(code, parts)
    }

    /// It ended with this exit code and, last, one message that has all of these parts. Cargo, whose own messages begin
    /// with `error:` too, may have said something before.
    #[track_caller]
    pub fn fails_after_cargo(self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        let message = self.err.lines().last().unwrap_or_default();
        assert!(message.starts_with("error: "), "{self:#?}");
        for part in parts {
            assert!(message.contains(part), "no {part:?}: {self:#?}");
        }
    }

    /// As [`Self::fails`], for commands that show on standard output what went wrong.
    #[track_caller]
    pub fn fails_with_output(self, code: i32, parts: &[&str]) -> String {
        assert_eq!(self.code, Some(code), "{self:#?}");
        let errors = self.err.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "not one message: {self:#?}");
        let start = self.err.find("error: ").unwrap();
        let message = self.err[start..].to_owned();
        for part in parts {
            assert!(message.contains(part), "no {part:?}: {self:#?}");
        }
        // What comes before is what the program was doing.
        for line in self.err[..start].lines() {
            let is_step = ["building ", "preparing "].iter().any(|step| line.trim_start().starts_with(step))
                || line.contains(" INFO ");
            assert!(is_step, "{line:?} in {self:#?}");
        }
        message
    }
}
