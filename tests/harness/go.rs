//! Programs in Go, where its compiler is installed: the real servers are written in it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::guests;

/// The program `tests/fixtures/go/{name}.go`, built: what it writes for an input. `None`, and a line that says so,
/// where that is not possible.
pub fn program(name: &str) -> Option<impl Fn(String) -> String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = folder.path().join(name);
    build(&guests::fixture(&format!("go/{name}.go")), &program)?;
    Some(move |input: String| {
        // The folder goes with the program.
        let _ = &folder;
        run(&program, input)
    })
}

fn build(source: &Path, program: &Path) -> Option<()> {
    let mut go = Command::new("go");
    go.arg("build").arg("-o").arg(program).arg(source);
    // Nothing is fetched, and no environment of the user changes what is built.
    go.env("GOTOOLCHAIN", "local").env("GOFLAGS", "").env("GOPROXY", "off");
    let Ok(output) = go.output() else {
        guests::skipped(
            "the reading side is not held against Go's decoder",
            "go is not installed: apt-get install golang-go",
        );
        return None;
    };
    assert!(output.status.success(), "{} does not compile:\n{output:#?}", source.display());
    Some(())
}

fn run(program: &Path, input: String) -> String {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("what was built can be started");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    assert!(writer.join().is_ok_and(|written| written.is_ok()) && output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("Go writes UTF-8")
}
