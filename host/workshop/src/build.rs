//! `callgate build`: builds modules from crates and checks them as `serve` would.

use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;
use wasmparser::{Parser, Payload};

use crate::cargo;
use crate::module::check_crate;
use crate::stage::Service;
use crate::watch;
use callgate_catalogue::line::one_line;
use callgate_sandbox::{Engine, Plugin, PluginLimits};
use callgate_terminal::{self as terminal, Exit, Failure};

/// Build plugins from their crates, show what their bytes are spent on, and check that a host can load them
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate build
Example: callgate build plugins/*

Builds for wasm32-unknown-unknown in release mode, as a host does for a crate under `source`. The target is added with \
rustup if it is missing. This does not configure the plugin: use `callgate run` to try its settings.")]
pub struct Build {
    /// Folders of plugin crates
    #[arg(value_name = "DIR", default_value = ".")]
    folders: Vec<PathBuf>,

    /// Build again whenever a file of the crates changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

impl Build {
    /// Runs the command.
    ///
    /// # Errors
    /// If a crate cannot be built, or a host could not load its module.
    pub fn run(self, service: &dyn Service) -> Result<(), Failure> {
        match self.watch {
            true => watch::run(&self.folders, None, || self.once(service)),
            false => self.once(service),
        }
    }

    fn once(&self, service: &dyn Service) -> Result<(), Failure> {
        let (engine_limits, limits) = service.limits()?;
        let engine = Engine::new(&engine_limits).map_err(|error| Failure::new(Exit::Other, error))?;
        let mut problems = Vec::new();
        for folder in &self.folders {
            let text = match report(folder, &engine, &limits) {
                Ok(text) => text,
                Err(Unusable { text, why }) => {
                    problems.push(why);
                    text
                }
            };
            terminal::print(&text)?;
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Failure::new(Exit::Plugin, anyhow::anyhow!(problems.join("\n"))))
    }
}

/// The report on a module that no host would load, and the reason.
struct Unusable {
    text: String,
    why: String,
}

/// Builds one crate and reports the module's path, size, sections and manifest.
fn report(folder: &Path, engine: &Engine, limits: &PluginLimits) -> Result<String, Unusable> {
    let failed = |why: String| Unusable { text: String::new(), why };
    check_crate(folder).map_err(|why| failed(format!("{} {why}", folder.display())))?;
    let path = cargo::build(folder).map_err(|error| failed(error.to_string()))?;
    let module = std::fs::read(&path).map_err(|error| failed(format!("{} cannot be read: {error}", path.display())))?;
    let mut text = format!("{}\n{}", path.display(), sections(&module));
    match Plugin::check(engine, &module, limits) {
        Ok(manifest) => {
            let commands = match manifest.commands.len() {
                0 => "any command".to_owned(),
                _ => manifest.commands.join(", "),
            };
            text.push_str(&format!("{} {}, handles {commands}\n\n", manifest.name, manifest.version));
            Ok(text)
        }
        Err(error) => Err(Unusable { text: text + "\n", why: format!("{}: {error}", path.display()) }),
    }
}

/// The sizes of the sections, as a table; empty if this is not wasm.
pub(crate) fn sections(module: &[u8]) -> String {
    let (mut code, mut data, mut other, mut functions) = (0, 0, 0, 0);
    let mut custom: Vec<(String, usize)> = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Ok(payload) = payload else { return String::new() };
        match payload {
            Payload::CodeSectionStart { range, count, .. } => {
                code += range.len();
                functions += count;
            }
            Payload::DataSection(section) => data += section.range().len(),
            Payload::CustomSection(section) => custom.push((one_line(section.name()), section.range().len())),
            payload => other += payload.as_section().map_or(0, |(_, range): (u8, Range<usize>)| range.len()),
        }
    }
    let part = |bytes: usize| format!("{:>5.1} %", bytes as f64 * 100.0 / module.len().max(1) as f64);
    let row = |name: &str, bytes: usize, what: &str| {
        vec![name.to_owned(), format!("{bytes:>9}"), part(bytes), what.to_owned()]
    };
    let mut rows = vec![row("code", code, &format!("{functions} functions")), row("data", data, "texts and tables")];
    rows.extend(custom.iter().map(|(name, bytes)| row("custom", *bytes, name)));
    rows.push(row("other", other, "types, exports and so on"));
    rows.push(row("module", module.len(), ""));
    terminal::table(&["SECTION", "    BYTES", "  PART", "WHAT"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_counted_and_what_is_not_wasm_has_none() {
        // `(module (func))`, and a custom section `x` of one byte.
        let module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b\0\x03\x01xy";
        let text = sections(module);
        let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split_whitespace().take(2).collect()).collect();
        assert_eq!(rows, [["code", "4"], ["data", "0"], ["custom", "3"], ["other", "6"], ["module", "29"]]);
        assert_eq!(sections(b"\x7fELF"), "");
    }
}
