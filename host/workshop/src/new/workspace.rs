//! The cargo workspace that a new crate joins.

use std::path::{Path, PathBuf};

use callgate_terminal::Failure;
use toml_edit::{Array, DocumentMut, Item, Table, Value};

use crate::output;

/// The nearest enclosing workspace that does not exclude the crate.
pub(super) struct Workspace {
    manifest: PathBuf,
    document: DocumentMut,
    /// The crate's folder, from the workspace's on.
    member: String,
}

impl Workspace {
    /// The workspace around a folder, which need not exist yet; `None` if there is none, or it excludes the folder.
    /// Cargo rejects a crate below a workspace that neither lists nor excludes it.
    ///
    /// # Errors
    /// If the workspace's Cargo.toml cannot be edited.
    pub(super) fn around(folder: &Path) -> Result<Option<Self>, String> {
        for root in folder.ancestors().skip(1) {
            let manifest = root.join("Cargo.toml");
            let Ok(text) = std::fs::read_to_string(&manifest) else { continue };
            let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
                format!("{} is not valid TOML ({}): correct it first", manifest.display(), error.message())
            })?;
            if document.get("workspace").is_none() {
                continue;
            }
            let relative = folder.strip_prefix(root).unwrap_or(folder);
            let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            let member = parts.join("/");
            let workspace = Self { manifest, document, member };
            return Ok((!workspace.excludes()).then_some(workspace));
        }
        Ok(None)
    }

    /// Lists the crate as a member, unless a pattern does already. Returns a line for the user, or nothing.
    ///
    /// # Errors
    /// If Cargo.toml cannot be written.
    pub(super) fn join(mut self) -> Result<String, Failure> {
        if self.patterns("members").any(|pattern| is_meant(pattern, &self.member)) {
            return Ok(String::new());
        }
        let workspace = self.document.entry("workspace").or_insert_with(|| Item::Table(Table::new()));
        if let Some(table) = workspace.as_table_like_mut() {
            let members = table.entry("members").or_insert_with(|| Array::new().into());
            if let Some(members) = members.as_array_mut() {
                add(members, &self.member);
            }
        }
        output::write(&self.manifest, self.document.to_string().as_bytes(), "list the crate as a member by hand")?;
        Ok(format!("It is a member of the workspace of {}.\n", self.manifest.display()))
    }

    fn patterns(&self, key: &str) -> impl Iterator<Item = &str> {
        let list = self.document.get("workspace").and_then(|workspace| workspace.get(key)).and_then(Item::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether the crate, or a folder around it, is excluded.
    fn excludes(&self) -> bool {
        let member = Path::new(&self.member);
        self.patterns("exclude").any(|excluded| member.starts_with(excluded.trim_start_matches("./")))
    }
}

/// Adds an element in the style of the list: on a line of its own if the last one has one.
fn add(members: &mut Array, member: &str) {
    let last = members.iter().last().and_then(|last| last.decor().prefix()?.as_str()).unwrap_or_default();
    let Some((_, indent)) = last.rsplit_once('\n') else { return members.push(member) };
    // A comment behind the last element stays there.
    let behind = members.trailing().as_str().unwrap_or_default().trim_end();
    let prefix = format!("{behind}\n{indent}");
    members.push_formatted(Value::from(member).decorated(prefix, ""));
    members.set_trailing("\n");
    members.set_trailing_comma(true);
}

/// Whether a pattern of a workspace's members matches this path. `*` matches any text within one segment.
fn is_meant(pattern: &str, path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    let patterns: Vec<_> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    patterns.len() == parts.len()
        && patterns.iter().zip(&parts).all(|(pattern, part)| match pattern.split_once('*') {
            Some((start, end)) => part.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
            None => pattern == part,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_a_workspace_are_patterns() {
        assert!(is_meant("plugins/*", "plugins/x"));
        assert!(is_meant("./a-*-b", "a-1-b"));
        assert!(!is_meant("plugins/*", "x"));
        assert!(!is_meant("plugins/*", "plugins/x/y"));
        assert!(!is_meant("host", "ghost"));
    }

    #[test]
    fn a_member_is_listed_where_and_as_the_others_are() {
        for (before, after) in [
            ("[workspace]\n", "[workspace]\nmembers = [\"p/x\"]\n"),
            ("[workspace]\nmembers = []\n", "[workspace]\nmembers = [\"p/x\"]\n"),
            ("[workspace]\nmembers = [\"a\"] # ours\n", "[workspace]\nmembers = [\"a\", \"p/x\"] # ours\n"),
            (
                "[workspace]\nmembers = [\n    \"a\",\n    \"b\",\n]\n[profile.dev]\n",
                "[workspace]\nmembers = [\n    \"a\",\n    \"b\",\n    \"p/x\",\n]\n[profile.dev]\n",
            ),
            ("[workspace]\nmembers = [\"p/*\"]\n", "[workspace]\nmembers = [\"p/*\"]\n"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let manifest = folder.path().join("Cargo.toml");
            std::fs::write(&manifest, before).unwrap();
            let workspace = Workspace::around(&folder.path().join("p/x")).unwrap().unwrap();
            workspace.join().unwrap();
            assert_eq!(std::fs::read_to_string(&manifest).unwrap(), after);
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(Workspace::around(&folder.path().join("x")).unwrap().is_none());
        std::fs::write(folder.path().join("Cargo.toml"), "[workspace]\nexclude = [\"p\"]\n").unwrap();
        assert!(Workspace::around(&folder.path().join("p/x")).unwrap().is_none());
    }
}
