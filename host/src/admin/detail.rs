//! What is not as it should be although the service is ready, for `/readyz`: a line each.

use std::fmt::Write as _;

use callgate_catalogue::line::one_line;

use crate::host::Host;

/// Lines for people; empty if all is well.
pub(super) fn lines(host: &Host) -> String {
    let (generation, status) = (host.generation(), host.reload_status());
    let mut text = String::new();
    // Writing into a text does not fail.
    for link in generation.links().iter().filter(|link| link.is_suspended()) {
        let _ =
            writeln!(text, "plugin {} is suspended because most of its calls failed: `on_fault` decides", link.name());
    }
    for problem in generation.not_loaded() {
        let _ = writeln!(text, "a plugin is not loaded, and `on_fault` decides instead: {problem}");
    }
    for shadow in generation.shadows().iter().filter(|shadow| shadow.now().2) {
        let name = shadow.name();
        let _ = writeln!(
            text,
            "candidate {name} answers nothing any more, because its faults passed `faults_per_thousand_max`: `callgate shadow \
             report {name}` shows them"
        );
    }
    for (fact, source, _) in generation.facts().iter() {
        if let Some(trouble) = source.trouble() {
            let _ = writeln!(text, "the source of the fact {} fails: {}", fact.name, one_line(&trouble));
        }
    }
    for problem in &status.problems {
        let _ = writeln!(text, "the last reload was refused, and the previous generation is in service: {problem}");
    }
    for problem in &status.certificates {
        let _ = writeln!(text, "a certificate cannot be used, and the previous one stays in use: {problem}");
    }
    if let Some(number) = status.rolled_back_to {
        let _ =
            writeln!(text, "the stored configuration {number} is in service after a rollback, not the settings file");
    }
    if !status.restart.is_empty() {
        let _ = writeln!(text, "these keys take effect with a restart: {}", status.restart.join(", "));
    }
    if host.engine.is_distrusted() {
        text.push_str("this system counts page faults wrongly: instances are not reused\n");
    }
    text
}
