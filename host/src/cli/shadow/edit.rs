//! Writes a settings file as safely as an editor does, and shows what changes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The lines that differ, with a few around them, as `diff -u` shows them.
pub(super) fn difference(path: &Path, old: &str, new: &str) -> String {
    let name = path.display().to_string();
    similar::TextDiff::from_lines(old, new).unified_diff().context_radius(3).header(&name, &name).to_string()
}

/// Replaces a file that has this text, in one step: who reads it meanwhile sees the old text or the new one. It keeps
/// its permissions; a link stays one.
///
/// # Errors
/// If it cannot be written, or has another text by now.
pub(super) fn replace(path: &Path, old: &str, new: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let beside = beside(&path);
    let written = write_beside(&path, &beside, old, new);
    if written.is_err() {
        // It may not have been created at all.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write_beside(path: &Path, beside: &Path, old: &str, new: &str) -> io::Result<()> {
    let permissions = std::fs::metadata(path)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(beside)?;
    file.write_all(new.as_bytes())?;
    file.set_permissions(permissions)?;
    file.sync_all()?;
    drop(file);
    if std::fs::read_to_string(path)? != old {
        return Err(io::Error::other("it has been changed meanwhile: try again"));
    }
    std::fs::rename(beside, path)?;
    // The name, too, is to be there after a power failure. Not all systems can do that.
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_where_a_link_leads_and_only_if_nobody_else_changed_it() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("host.toml"), folder.path().join("link.toml"));
        std::fs::write(&file, "old\n").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&file, &link).unwrap();
        #[cfg(not(unix))]
        std::fs::hard_link(&file, &link).unwrap();
        replace(&link, "old\n", "new\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new\n");
        let error = replace(&link, "old\n", "newer\n").unwrap_err();
        assert_eq!(error.to_string(), "it has been changed meanwhile: try again");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn the_difference_shows_lines_around_a_change() {
        let shown = difference(Path::new("host.toml"), "a\nb\nc\n", "a\nB\nc\n");
        assert_eq!(shown, "--- host.toml\n+++ host.toml\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
    }
}
