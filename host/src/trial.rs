//! Settings, tried: what can only be known by trying, and what is allowed but most likely not meant.

use std::time::Duration;

use callgate_journal::sink::lines::why_not;

use crate::settings::Step::{Key, Number};
use crate::settings::{Platform, Problem, Settings, is_taken_twice};

/// With less there is hardly time for a plugin after what is kept back for the answer.
const ANSWER_WITHIN_MIN: Duration = Duration::from_millis(50);

impl Settings {
    /// Tries what `serve` needs, without leaving anything behind: the files of sinks can be appended to, and the listeners
    /// have addresses of their own.
    #[must_use]
    pub fn trial(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for sink in &self.sinks {
            if let Some((key, why)) = why_not(&sink.settings.kind) {
                let place = match sink.number {
                    Some(number) => &[Key("sink"), Number(number), Key(key)][..],
                    None => &[Key("records"), Key("file")],
                };
                problems.push(self.source.problem(place, &why));
            }
        }
        if let Some(admin) = self.admin
            && is_taken_twice(self.server.listen, admin)
        {
            let why = "is the address of [server] too: give each its own port";
            problems.push(self.source.problem(&[Key("admin"), Key("listen")], why));
        }
        problems
    }

    /// What is allowed but most likely not meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<Problem> {
        let mut warnings = Vec::new();
        if self.source.has(&[Key("records")]) {
            let why = "is the older form of a sink, and will not be read by the next minor version: write [[sink]] with \
                       name = \"records\", kind = \"file\", format = \"plain\" and the file as `path`";
            warnings.push(self.source.problem(&[Key("records")], why));
        }
        warnings.extend(self.platforms.iter().flat_map(|platform| self.warnings_of(platform)));
        warnings
    }

    fn warnings_of(&self, platform: &Platform) -> Vec<Problem> {
        let mut warnings = Vec::new();
        let mut warn = |key, message: String| {
            let place = [Key("platform"), Number(platform.number), Key(key)];
            warnings.push(self.source.problem(&place, &message));
        };
        let name = &platform.name;
        if !self.server.listen.ip().is_loopback() && !platform.is_authenticated() {
            let how = platform.server.how_to_authenticate();
            warn(
                "path",
                format!(
                    "whoever reaches this host can send callbacks of platform {name}: nothing authenticates them. {how}"
                ),
            );
        }
        let waits = platform.server.patience().waits;
        if platform.answer_within > waits {
            let waits_ms = waits.as_millis();
            warn(
                "answer_within_ms",
                format!(
                    "the chat server of platform {name} gives up after {waits_ms} ms, unless its own timeout was raised: an answer after that is lost. Raise it there, or lower this"
                ),
            );
        }
        if platform.answer_within < ANSWER_WITHIN_MIN {
            let min_ms = ANSWER_WITHIN_MIN.as_millis();
            warn(
                "answer_within_ms",
                format!(
                    "is so short that plugins of platform {name} often get no time, and `on_overload` decides: {min_ms} or more is advised"
                ),
            );
        }
        warnings
    }
}
