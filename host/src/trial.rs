//! Settings, tried: what can only be known by trying, and what is allowed but most likely not meant.

use std::time::Duration;

use callgate_facts::longest_wait;
use callgate_facts::settings::SourceSettings;
use callgate_journal::sink::Kind;
use callgate_journal::sink::file::why_not_a_folder;
use callgate_journal::sink::lines::why_not;

use crate::edge::Tls;
use crate::keeping::{self, Examined};
use crate::settings::Step::{Key, Number};
use crate::settings::{Address, Fact, Platform, Problem, Settings, TlsFiles, is_taken_twice};

/// Why no socket could be made at this address; `None` if it could, or if it is not one of a Unix socket. That is no
/// mistake of the settings: a service manager may create the folder when it starts the host.
fn why_no_socket(listen: &Address) -> Option<String> {
    let Address::Unix(path) = listen else { return None };
    let folder = path.parent()?;
    let why = if folder.exists() { why_not_a_folder(folder)? } else { "it is not there".to_owned() };
    let folder = folder.display();
    Some(format!(
        "no socket can be created in {folder} ({why}): see to that before the host starts, or it will not start"
    ))
}

/// With less there is hardly time for a plugin after what is kept back for the answer.
const ANSWER_WITHIN_MIN: Duration = Duration::from_millis(50);

/// What was found by trying settings.
#[derive(Debug)]
pub struct Trial {
    /// What keeps a host from starting.
    pub problems: Vec<Problem>,
    /// The damage of the journal's file, which keeps no host from starting; `None`: none was found.
    pub damage: Option<Problem>,
}

impl Settings {
    /// Tries what `serve` needs, without leaving anything behind: the journal has a folder, the files of sinks can be
    /// appended to, and the listeners have addresses of their own.
    #[must_use]
    pub fn trial(&self) -> Trial {
        let mut problems = Vec::new();
        let mut damage = None;
        for sink in &self.sinks {
            if let Some((key, why)) = why_not(&sink.settings.kind) {
                problems.push(match (sink.number, &sink.settings.kind) {
                    (Some(number), _) => self.source.problem(&[Key("sink"), Number(number), Key(key)], &why),
                    (None, Kind::File(file)) if !self.source.has(&[Key("records")]) => {
                        let file = file.path.display();
                        let why = format!("there is none, so records are written to {file}, which {why}");
                        self.source.problem(&[Key("sink")], &why)
                    }
                    (None, _) => self.source.problem(&[Key("records"), Key("file")], &why),
                });
            }
        }
        match (!self.journal.off).then(|| keeping::examine(&self.journal.folder)) {
            Some(Examined::Unusable(why)) => {
                let why = format!(
                    "no journal can be kept in {} ({why}): name another folder, or turn the journal off with `off = true`",
                    self.journal.folder.display()
                );
                problems.push(self.source.problem(&[Key("journal"), Key("folder")], &why));
            }
            Some(Examined::Damaged(what)) => damage = Some(self.journal_damage(&what)),
            Some(Examined::Fine) | None => {}
        }
        problems.extend(self.certificate_problems());
        if let Some(admin) = &self.admin
            && is_taken_twice(&self.server.listen, &admin.listen)
        {
            let why = "is the address of [server] too: give each its own port";
            problems.push(self.source.problem(&[Key("admin"), Key("listen")], why));
        }
        Trial { problems, damage }
    }

    /// What is wrong with the certificates of the listeners, as their files are now.
    pub(crate) fn certificate_problems(&self) -> Vec<Problem> {
        let problem = |(table, tls): (&'static str, &TlsFiles)| {
            let error = Tls::load(tls).err()?;
            Some(self.source.problem(&[Key(table), Key("tls"), Key(error.key)], &error.to_string()))
        };
        self.tls_files().filter_map(problem).collect()
    }

    /// The listeners that speak TLS: the table of each, and its files.
    fn tls_files(&self) -> impl Iterator<Item = (&'static str, &TlsFiles)> {
        let admin = self.admin.as_ref().and_then(|admin| admin.tls.as_ref());
        [("server", self.server.tls.as_ref()), ("admin", admin)]
            .into_iter()
            .filter_map(|(table, tls)| Some((table, tls?)))
    }

    /// The damage of the journal's file, and what happens to the file at start.
    fn journal_damage(&self, what: &str) -> Problem {
        let why = format!(
            "the journal's file in {} is damaged ({what}): when a host opens it, it is renamed to \
             journal-damaged-TIME.sqlite3, and what can be read is copied to a new file. The host does without the rest: \
             to repair the file in another way, or to restore a backup, keep the host stopped",
            self.journal.folder.display()
        );
        self.source.problem(&[Key("journal"), Key("folder")], &why)
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
        warnings.extend(self.facts.iter().filter_map(|fact| self.warning_of(fact)));
        let admin = self.admin.as_ref().map(|admin| ("admin", &admin.listen));
        for (table, listen) in [("server", &self.server.listen)].into_iter().chain(admin) {
            if let Some(why) = why_no_socket(listen) {
                warnings.push(self.source.problem(&[Key(table), Key("listen")], &why));
            }
        }
        for (table, tls) in self.tls_files() {
            // Whether they can be read is for `trial` to say.
            for warning in Tls::load(tls).map(|tls| tls.warnings()).unwrap_or_default() {
                warnings.push(self.source.problem(&[Key(table), Key("tls"), Key(warning.key)], &warning.to_string()));
            }
        }
        warnings
    }

    fn warning_of(&self, fact: &Fact) -> Option<Problem> {
        let problem = |key, why: &str| self.source.problem(&[Key("fact"), Number(fact.number), Key(key)], why);
        let source = &fact.settings.source;
        if self.journal.off && matches!(source, SourceSettings::Counter(_)) {
            let why = "its counts are lost at each restart, because there is no journal: remove `off` from [journal], or \
                       count in Redis";
            return Some(problem("source", why));
        }
        let longest = self.platforms.iter().map(|platform| longest_wait(platform.answer_within)).max()?;
        let within = source.remote()?.within.filter(|within| *within > longest)?;
        let (within_ms, longest_ms) = (within.as_millis(), longest.as_millis());
        let why = format!(
            "no callback waits {within_ms} ms for a fact: after {longest_ms} ms at most it is late. A source that hangs is \
             noticed only after `within_ms`: set it to {longest_ms} or less"
        );
        Some(problem("within_ms", &why))
    }

    fn warnings_of(&self, platform: &Platform) -> Vec<Problem> {
        let mut warnings = Vec::new();
        let mut warn = |key, message: String| {
            let place = [Key("platform"), Number(platform.number), Key(key)];
            warnings.push(self.source.problem(&place, &message));
        };
        let name = &platform.name;
        if !self.server.listen.is_local() && !platform.is_authenticated() {
            let how = platform.server.how_to_authenticate();
            warn(
                "path",
                format!(
                    "everyone who reaches this host can send callbacks of platform {name}: nothing authenticates them. {how}"
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
