//! `[cache]`: where compiled plugins are cached.

use std::ffi::OsString;
use std::path::PathBuf;

use callgate_sandbox::CacheSettings;

use super::file::{MIB, Section};

pub(super) fn read(mut section: Section<'_, '_>) -> CacheSettings {
    let folder = match section.text("folder") {
        Some(folder) if folder.value.is_empty() => {
            section.report("folder", "is empty: name a folder, or remove the key; `bytes_max = 0` turns the cache off");
            None
        }
        Some(folder) => Some(section.file().beside(folder.value)),
        None => cache_folder(|name| std::env::var_os(name)),
    };
    // A plugin of 200 KiB takes about 1 MiB when compiled: room for some hundreds, each in its last few versions.
    let bytes_max = section.number("bytes_max", 1024 * MIB, 0, 1024 * 1024 * MIB);
    section.finish();
    CacheSettings { folder, bytes_max }
}

/// The folder that systemd sets (`CacheDirectory=`; the first of several), else that of the XDG base directories.
fn cache_folder(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let of_the_service =
        || env("CACHE_DIRECTORY").and_then(|folders| std::env::split_paths(&folders).find(|path| path.is_absolute()));
    of_the_service()
        .or_else(|| Some(absolute("XDG_CACHE_HOME")?.join("callgate")))
        .or_else(|| Some(absolute("HOME")?.join(".cache/callgate")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_lies_where_the_environment_says() {
        let folder = |set: &[(&str, &str)]| {
            let found = cache_folder(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()));
            found.map(|path| path.display().to_string())
        };
        let (service, xdg, home) = (("CACHE_DIRECTORY", "/c:/d"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h"));
        assert_eq!(folder(&[service, xdg, home]).unwrap(), "/c");
        assert_eq!(folder(&[xdg, home]).unwrap(), "/x/callgate");
        assert_eq!(folder(&[home]).unwrap(), "/h/.cache/callgate");
        assert_eq!(folder(&[]), None);
        // Empty and relative paths are ignored.
        assert_eq!(folder(&[("CACHE_DIRECTORY", ""), ("XDG_CACHE_HOME", "x"), home]).unwrap(), "/h/.cache/callgate");
        assert_eq!(folder(&[("HOME", "")]), None);
    }
}
