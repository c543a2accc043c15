//! Builds a plugin from its crate, with cargo, for `wasm32-unknown-unknown`, in release mode.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::{Message, MetadataCommand};

/// The target that plugins are built for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// How plugins are linked and optimised. A stack of 64 KiB instead of 1 MiB keeps the memory of a call small, and with
/// it what must be restored afterwards. A single codegen unit and link-time optimisation make modules smaller and
/// faster. Plugins mostly search text, which takes less fuel with SIMD.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "-C link-arg=-zstack-size=65536 -C target-feature=+simd128"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_RELEASE_LTO", "fat"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_STRIP", "debuginfo"),
];

/// Why a crate could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo is missing.
    #[error(
        "cargo cannot be started ({0}): install Rust with rustup (https://rustup.rs), or build the plugin elsewhere and name its `.wasm` file under `wasm`"
    )]
    NoCargo(std::io::Error),
    /// The wasm target is missing and cannot be added.
    #[error(
        "the target {TARGET} is missing and `rustup target add {TARGET}` did not work ({why}): install Rust with rustup (https://rustup.rs), or build the plugin elsewhere and name its `.wasm` file under `wasm`"
    )]
    NoTarget {
        /// What happened.
        why: String,
    },
    /// Cargo reported errors; it has printed them.
    #[error("cargo could not build {}: see its messages above", .0.display())]
    Failed(PathBuf),
    /// The build succeeded without producing a module.
    #[error("{} builds no wasm module: its Cargo.toml needs `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]`", .0.display())]
    NoModule(PathBuf),
}

/// Builds the crate in `folder` and returns the path of its module. Cargo's own progress goes to standard error.
///
/// # Errors
/// If Rust or its wasm target are missing, or the crate does not compile.
pub fn build(folder: &Path) -> Result<PathBuf, BuildError> {
    build_telling(folder, None)
}

/// As [`build`], with each line of cargo's progress given to `tell`, if there is one.
///
/// # Errors
/// As [`build`].
pub fn build_telling(folder: &Path, tell: Option<fn(&str)>) -> Result<PathBuf, BuildError> {
    ensure_target(folder)?;
    let mut cargo = cargo(folder);
    cargo.args(["build", "--release", "--lib", "--target", TARGET, "--message-format", "json-render-diagnostics"]);
    cargo.arg("--target-dir").arg(target_folder_telling(folder, tell)?.join("callgate"));
    cargo.envs(ENVIRONMENT).stdout(Stdio::piped());
    if tell.is_some() {
        cargo.stderr(Stdio::piped());
    }
    let mut running = cargo.spawn().map_err(BuildError::NoCargo)?;
    let told = tell.zip(running.stderr.take()).map(|(tell, lines)| {
        std::thread::spawn(move || BufReader::new(lines).lines().map_while(Result::ok).for_each(|line| tell(&line)))
    });
    let mut module = None;
    if let Some(messages) = running.stdout.take() {
        for message in Message::parse_stream(BufReader::new(messages)).map_while(Result::ok) {
            module = module_of(&message, folder).or(module);
        }
    }
    // It ends with cargo's standard error.
    let _ = told.map(std::thread::JoinHandle::join);
    match running.wait() {
        Ok(status) if status.success() => module.ok_or_else(|| BuildError::NoModule(folder.to_owned())),
        _ => Err(BuildError::Failed(folder.to_owned())),
    }
}

/// Cargo, started in `folder` so that it uses the crate's toolchain, and without the flags that an outer cargo has set
/// in the environment.
fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

/// The module among cargo's messages: the `.wasm` of the crate in `folder`, not of one that it depends on.
fn module_of(message: &Message, folder: &Path) -> Option<PathBuf> {
    let Message::CompilerArtifact(artifact) = message else { return None };
    if artifact.manifest_path.canonicalize().ok()? != folder.join("Cargo.toml").canonicalize().ok()? {
        return None;
    }
    artifact.filenames.iter().find(|file| file.extension() == Some("wasm")).map(PathBuf::from)
}

/// The target folder of the crate or its workspace.
pub(crate) fn target_folder(folder: &Path) -> Result<PathBuf, BuildError> {
    target_folder_telling(folder, None)
}

fn target_folder_telling(folder: &Path, tell: Option<fn(&str)>) -> Result<PathBuf, BuildError> {
    let output = cargo(folder)
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .stderr(if tell.is_some() { Stdio::piped() } else { Stdio::inherit() })
        .output()
        .map_err(BuildError::NoCargo)?;
    if let Some(tell) = tell {
        String::from_utf8_lossy(&output.stderr).lines().for_each(tell);
    }
    let metadata = std::str::from_utf8(&output.stdout).ok().and_then(|text| MetadataCommand::parse(text).ok());
    metadata.map(|metadata| metadata.target_directory.into()).ok_or_else(|| BuildError::Failed(folder.to_owned()))
}

fn ensure_target(folder: &Path) -> Result<(), BuildError> {
    if has_target(folder) {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).current_dir(folder).status();
    match added {
        Ok(_) if has_target(folder) => Ok(()),
        Ok(status) => Err(BuildError::NoTarget { why: status.to_string() }),
        Err(error) => Err(BuildError::NoTarget { why: format!("rustup cannot be started: {error}") }),
    }
}

/// Whether the toolchain used in `folder` has the standard library for the target.
fn has_target(folder: &Path) -> bool {
    let rustc = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(folder)
        .stderr(Stdio::null())
        .output();
    rustc.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout);
        // rustc prints the folder whether or not it exists.
        output.status.success() && Path::new(folder.trim()).is_dir()
    })
}
