//! Lists the requests that all tests share, so that `callgate new` can write them as samples: one for each command.
//!
//! The files are outside this package. That would prevent publishing it, but it is not published.

use std::fmt::Write as _;
use std::path::Path;

const FIXTURES: &str = "../../tests/fixtures";
const END: &str = ".request.json";

fn main() -> std::io::Result<()> {
    let fixtures = Path::new(FIXTURES).canonicalize()?;
    let mut samples = String::from("&[\n");
    for entry in std::fs::read_dir(fixtures)? {
        let folder = entry?;
        // A folder is named like the module of its protocol.
        let protocol = folder.file_name().to_string_lossy().replace('_', "-");
        if !folder.file_type()?.is_dir() {
            continue;
        }
        let mut is_protocol = false;
        for entry in std::fs::read_dir(folder.path())? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(command) = name.strip_suffix(END) {
                // Writing to a string does not fail.
                is_protocol = true;
                let _ = writeln!(samples, "    ({protocol:?}, {command:?}, include_str!({path:?})),");
            }
        }
        if is_protocol {
            println!("cargo::rerun-if-changed={}", folder.path().display());
        }
    }
    samples.push(']');
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&out).join("samples.rs"), samples)
}
