//! Reads the settings again and puts what they say into service, beside callbacks under way.

use std::time::{Duration, Instant};

use crate::generation::Progress;
use crate::host::Host;
use crate::settings::{Problem, Settings};

/// What a reload did, or would do.
#[derive(Debug)]
pub struct Report {
    /// The number of the generation in service.
    pub generation: u64,
    /// Whether it is a new one. A trial puts none into service.
    pub is_new: bool,
    /// Keys whose values differ from those in force, and that take effect with a restart.
    pub restart: Vec<&'static str>,
    /// How long it took, from reading the settings.
    pub took: Duration,
}

/// Whether a reload ends with the new generation in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It does, if nothing is wrong.
    Replace,
    /// Everything is built and checked, and then dropped.
    Try,
}

impl Host {
    /// Reads the settings again, builds and checks beside the generation in service all that has changed, and puts it into
    /// service. Blocks for as long as plugins take to be built, configured and compiled; waits for another reload to end.
    ///
    /// # Errors
    /// All mistakes. What was in service still is.
    pub fn reload(&self, mode: Mode, progress: &mut dyn Progress) -> Result<Report, Vec<Problem>> {
        let _alone = self.reloads.alone();
        let started = Instant::now();
        let path = self.generation().settings().source.path().to_owned();
        let mut settings = Settings::load_for(self.settings.chat_servers, &path)?;
        let restart = self.settings.keep(&mut settings);
        let source = settings.source.clone();
        let next = self
            .build(settings, progress)
            .map_err(|errors| errors.iter().map(|error| error.problem(&source)).collect::<Vec<_>>())?;
        if mode == Mode::Try {
            let generation = self.generation().number();
            return Ok(Report { generation, is_new: false, restart, took: started.elapsed() });
        }
        let generation = next.number();
        self.replace(next);
        Ok(Report { generation, is_new: true, restart, took: started.elapsed() })
    }
}
