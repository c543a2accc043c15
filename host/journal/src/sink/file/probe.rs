//! Whether a file could be appended to, without leaving anything behind.

use std::io::ErrorKind;
use std::path::Path;

use super::folder::folder;

/// Why lines could not be appended to this file; `None` if they could.
#[must_use]
pub fn why_not_appendable(path: &Path) -> Option<String> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Some("it is a folder".to_owned()),
        Ok(found) if found.is_file() => {
            std::fs::OpenOptions::new().append(true).open(path).err().map(|error| error.to_string())
        }
        // Opening a pipe waits for its reader.
        Ok(_) => may_write(path).err().map(|error| format!("{error}; it is no regular file")),
        Err(error) if error.kind() == ErrorKind::NotFound => why_not_creatable(path, LINKS_MAX),
        Err(error) => Some(error.to_string()),
    }
}

/// Why this file, which is not there, could not be created; `None` if it could.
fn why_not_creatable(path: &Path, links_max: usize) -> Option<String> {
    let folder = folder(path);
    // A link to nowhere: what it names would be created.
    if let (Ok(target), Some(links_max)) = (std::fs::read_link(path), links_max.checked_sub(1)) {
        return why_not_creatable(&folder.join(target), links_max);
    }
    match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => Some("its folder is no folder".to_owned()),
        Ok(_) => may_create_in(folder).err().map(|error| format!("no file can be created in its folder: {error}")),
        Err(error) => Some(format!("its folder: {error}")),
    }
}

/// Why no files can be stored in this folder, which may have to be created; `None` if they can.
#[must_use]
pub fn why_not_a_folder(path: &Path) -> Option<String> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_dir() => Some("it is no folder".to_owned()),
        Ok(_) => may_create_in(path).err().map(|error| format!("no file can be created in it: {error}")),
        // No folder is created through a link.
        Err(error) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
            Some(format!("it is a link to what is not there ({error})"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let outer = folder(path);
            // The root is there, and so is the current folder.
            let why = if outer == path { Some(error.to_string()) } else { why_not_a_folder(outer) };
            why.map(|why| format!("it is not there, and {} cannot hold it: {why}", outer.display()))
        }
        Err(error) => Some(error.to_string()),
    }
}

/// Links that are followed one after the other; systems follow 40 at most.
const LINKS_MAX: usize = 40;

#[cfg(unix)]
fn may_write(path: &Path) -> std::io::Result<()> {
    Ok(rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?)
}

/// Elsewhere only opening it would tell.
#[cfg(not(unix))]
fn may_write(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Whether files can be created in this folder.
#[cfg(unix)]
fn may_create_in(folder: &Path) -> std::io::Result<()> {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
    // A file without a name shows more than permissions do, such as a file system without room for another one.
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Mode, OFlags};
        use rustix::io::Errno;
        match rustix::fs::open(folder, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR) {
            // Not all file systems have them.
            Ok(_) | Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Elsewhere only creating a file would tell.
#[cfg(not(unix))]
fn may_create_in(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_cannot_be_used_are_found_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "").unwrap();
        assert_eq!(why_not_a_folder(folder.path()), None);
        assert_eq!(why_not_a_folder(&at("new/newer")), None);
        assert_eq!(why_not_a_folder(&at("file")).unwrap(), "it is no folder");
        assert!(why_not_a_folder(&at("file/new")).unwrap().contains("Not a directory"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("nowhere", at("link")).unwrap();
            assert!(why_not_a_folder(&at("link")).unwrap().contains("a link to what is not there"));
            assert!(why_not_a_folder(&at("link/new")).unwrap().contains("a link to what is not there"));
            std::fs::remove_file(at("link")).unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn files_that_cannot_be_appended_to_are_found_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("old"), "x\n").unwrap();
        for fine in ["old", "new"] {
            assert_eq!(why_not_appendable(&at(fine)), None);
        }
        assert_eq!(why_not_appendable(Path::new("/dev/null")), None);
        for (wrong, why) in [
            ("", "it is a folder"),
            ("old/new", "Not a directory (os error 20)"),
            ("none/new", "its folder: No such file"),
        ] {
            let found = why_not_appendable(&at(wrong)).unwrap();
            assert!(found.starts_with(why), "{wrong}: {found}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("there", at("link")).unwrap();
            std::os::unix::fs::symlink("none/there", at("lost")).unwrap();
            assert_eq!(why_not_appendable(&at("link")), None);
            assert!(why_not_appendable(&at("lost")).unwrap().starts_with("its folder: No such file"));
            std::fs::remove_file(at("link")).unwrap();
            std::fs::remove_file(at("lost")).unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read_to_string(at("old")).unwrap(), "x\n");
    }
}
