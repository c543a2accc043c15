//! Records as lines, for the sinks `file` and `stdout`.

use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use super::file::{FileWriter, why_not_appendable};
use super::format::Format;
use super::settings::Kind;
use crate::envelope::{Event, cloud_event};

/// What lines are written to.
#[derive(Debug)]
pub struct Lines {
    target: Target,
    format: Format,
}

#[derive(Debug)]
enum Target {
    File(FileWriter),
    Stdout(Option<File>),
}

impl Lines {
    /// Where a sink of this kind writes its lines; `None` if it writes none.
    #[must_use]
    pub fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::File(file) => Some(Self { format: file.format, target: Target::File(FileWriter::new(file.clone())) }),
            Kind::Stdout(format) => Some(Self { format: *format, target: Target::Stdout(None) }),
            Kind::Http(_) => None,
        }
    }

    /// Writes these records. When it returns without an error, all of them are written. `now` is the time since
    /// 1970-01-01 UTC.
    ///
    /// # Errors
    /// If not all could be written. Some may have been.
    pub fn write<'r>(&mut self, records: impl IntoIterator<Item = Event<'r>>, now: Duration) -> io::Result<()> {
        let mut lines = String::new();
        for record in records {
            match self.format {
                Format::Plain => lines.push_str(record.data),
                Format::CloudEvents => lines.push_str(&cloud_event(&record)),
            }
            lines.push('\n');
        }
        if lines.is_empty() {
            return Ok(());
        }
        match &mut self.target {
            Target::File(file) => file.append(lines.as_bytes(), now),
            Target::Stdout(open) => {
                let mut out = match open.take() {
                    Some(out) => out,
                    None => stdout()?,
                };
                out.write_all(lines.as_bytes())?;
                *open = Some(out);
                Ok(())
            }
        }
    }

    /// Closes a file, which may have been renamed; the next record opens it again.
    pub fn reopen(&mut self) {
        if let Target::File(file) = &mut self.target {
            file.reopen();
        }
    }
}

/// Standard output as a file: without a buffer that could hold lines back, and without the lock that
/// printing needs, so that a reader that hangs delays nothing else.
#[cfg(unix)]
fn stdout() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}

/// Why a sink of this kind could not work, found without leaving anything behind: the key that is wrong, and why.
#[must_use]
pub fn why_not(kind: &Kind) -> Option<(&'static str, String)> {
    match kind {
        Kind::File(file) => {
            let why = why_not_appendable(&file.path)?;
            Some(("path", format!("cannot be appended to ({why}): name a file that this user may write to")))
        }
        Kind::Http(http) => Some(("ca_file", http.why_not()?)),
        Kind::Stdout(_) => None,
    }
}
