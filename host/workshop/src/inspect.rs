//! `callgate inspect`: a module's manifest, exports, imports and sizes, without running it.

use std::path::PathBuf;

use callgate_catalogue::line::one_line;
use callgate_sandbox::{Engine, Plugin, sha256};
use callgate_terminal::{self as terminal, Exit, Failure};
use clap::Args;
use serde_json::{Value, json};

use crate::module;
use crate::outline::{Memory, Outline};
use crate::run::report::show;
use crate::stage::Service;

/// Show what a module says of itself, its exports, imports and sizes, and whether a host can load it
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate inspect plugin.wasm
Example: callgate inspect plugin.wasm --json

Nothing of the module is run, so it may come from anywhere. A module that no host could load is shown as far as it can \
be read, and then the reason, with exit code 4.")]
pub struct Inspect {
    /// The plugin: a `.wasm` or `.wat` file, or the folder of its crate, which is built
    #[arg(value_name = "PLUGIN")]
    plugin: PathBuf,

    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Inspect {
    /// Runs the command.
    ///
    /// # Errors
    /// If the module cannot be read, or a host could not load it.
    pub fn run(self, service: &dyn Service) -> Result<(), Failure> {
        let (engine_limits, limits) = service.limits()?;
        let module = module::built(&self.plugin)?;
        let path = module.path();
        let bytes = std::fs::read(&path).map_err(|error| {
            Failure::new(Exit::Plugin, anyhow::anyhow!("{} cannot be read: {error}", path.display()))
        })?;
        let engine = Engine::new(&engine_limits).map_err(|error| Failure::new(Exit::Other, error))?;
        let problem = Plugin::check(&engine, &bytes, &limits).err();

        let outline = Outline::read(&bytes);
        let text = match self.json {
            true => format!("{:#}\n", outline.as_json(&bytes, problem.as_ref().map(ToString::to_string))),
            false => outline.as_text(&bytes),
        };
        terminal::print(&text)?;
        match problem {
            None => Ok(()),
            Some(why) => Err(Failure::new(Exit::Plugin, anyhow::anyhow!("{}: {why}", self.plugin.display()))),
        }
    }
}

impl Outline {
    /// For people.
    fn as_text(&self, bytes: &[u8]) -> String {
        let mut lines = vec![
            ("kind", self.kind.to_owned()),
            ("size", format!("{} bytes", show(bytes.len() as f64))),
            ("sha256", sha256(bytes)),
        ];
        if let Some(manifest) = &self.manifest {
            let handles = match manifest.commands.is_empty() {
                true => "any command".to_owned(),
                // Each for itself: a plugin may handle more than a line has room for.
                false => manifest.commands.iter().map(|command| one_line(command)).collect::<Vec<_>>().join(", "),
            };
            lines.push(("plugin", one_line(&format!("{} {}", manifest.name, manifest.version))));
            lines.push(("abi", one_line(&format!("{} ({})", manifest.abi, manifest.sdk))));
            lines.push(("handles", handles));
            for (heading, facts) in [("facts", &manifest.facts), ("updates", &manifest.updates)] {
                if !facts.is_empty() {
                    let facts: Vec<_> = facts.iter().map(|fact| one_line(fact)).collect();
                    lines.push((heading, facts.join(", ")));
                }
            }
        }
        if let Some(Memory { initial, maximum }) = &self.memory {
            let maximum = maximum.map_or("no maximum".to_owned(), |bytes| format!("at most {}", show(bytes as f64)));
            lines.push(("memory", format!("{} bytes, {maximum}", show(*initial as f64))));
        }
        let mut text: String = lines.iter().map(|(heading, line)| format!("{heading:<10} {line}\n")).collect();
        for (heading, rows) in [("EXPORT", &self.exports), ("IMPORT", &self.imports)] {
            if !rows.is_empty() {
                let rows: Vec<_> = rows.iter().map(|row| row.to_vec()).collect();
                text.push_str(&format!("\n{}", terminal::table(&[heading, "KIND"], &rows)));
            }
        }
        match self.table(bytes.len()) {
            table if table.is_empty() => {}
            table => text.push_str(&format!("\n{table}")),
        }
        text
    }

    /// For machines.
    fn as_json(&self, bytes: &[u8], problem: Option<String>) -> Value {
        let named = |rows: &[[String; 2]]| -> Value {
            rows.iter().map(|[name, kind]| json!({ "name": name, "kind": kind })).collect()
        };
        let sections = self.sections.iter().map(|section| match &section.name {
            Some(name) => json!({ "kind": section.kind, "name": name, "bytes": section.bytes }),
            None => json!({ "kind": section.kind, "bytes": section.bytes }),
        });
        let memory = self.memory.as_ref();
        json!({
            "kind": self.kind,
            "bytes": bytes.len(),
            "sha256": sha256(bytes),
            "manifest": self.manifest,
            "exports": named(&self.exports),
            "imports": named(&self.imports),
            "memory_bytes": memory.map(|memory| json!({ "initial": memory.initial, "maximum": memory.maximum })),
            "functions": self.functions,
            "sections": sections.collect::<Value>(),
            // Why no host would load it; `None` if a host would.
            "problem": problem,
        })
    }
}
