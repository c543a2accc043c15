//! Makes a candidate what is in service: the settings file, edited as an operator would, with its comments and order.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use super::plugin::KEYS;

/// Keys of a `[[shadow]]` that a `[[plugin]]` has, too, besides [`KEYS`].
const SHARED: [&str; 2] = ["platform", "commands"];

/// The text of a settings file in which the candidate `name` is a part of the plugins, and no candidate any more.
///
/// # Errors
/// Why it cannot be edited: what has to be done by hand, in one sentence.
pub fn promoted(text: &str, name: &str) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|_| "it is not valid TOML".to_owned())?;
    let last = last_position(document.as_table());
    let shadow = take_shadow(&mut document, name)?;
    let said = |key: &str| shadow.get(key).and_then(Item::as_str).map(str::to_owned);
    let plugins = document.entry("plugin").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let plugins = plugins.as_array_of_tables_mut().ok_or_else(|| by_hand("plugin"))?;
    match (said("replace"), said("add"), said("remove")) {
        (Some(plugin), ..) => {
            let index = position(plugins, &plugin)?;
            replace(plugins.get_mut(index).ok_or_else(|| unknown(&plugin))?, shadow);
        }
        (_, Some(plugin), _) => {
            let (index, position) = match (said("before"), said("after")) {
                (Some(before), _) => {
                    let index = position(plugins, &before)?;
                    (index, plugins.get(index).and_then(Table::position).unwrap_or(last))
                }
                (_, Some(after)) => {
                    let index = position(plugins, &after)?;
                    (index + 1, plugins.get(index).map_or(last, last_position))
                }
                _ => (plugins.len(), plugins.iter().last().map_or(last, last_position)),
            };
            let mut table = added(shadow, &plugin);
            table.set_position(Some(position));
            plugins.insert(index, table);
        }
        (.., Some(plugin)) => {
            plugins.remove(position(plugins, &plugin)?);
            if plugins.is_empty() {
                document.remove("plugin");
            }
            check_others(&document, &plugin)?;
        }
        _ => return Err("the candidate has no change: give `replace`, `add` or `remove`".to_owned()),
    }
    let promoted = document.to_string();
    // The parser turns most line ends into those of Unix.
    Ok(if has_carriage_returns(text) { promoted.replace("\r\n", "\n").replace('\n', "\r\n") } else { promoted })
}

/// Whether each line ends as on Windows. In a file with both, it is not known which lines had which.
fn has_carriage_returns(text: &str) -> bool {
    let lines = text.matches('\n').count();
    lines > 0 && text.matches("\r\n").count() == lines
}

/// Takes the candidate out of the file.
fn take_shadow(document: &mut DocumentMut, name: &str) -> Result<Table, String> {
    let shadows = document.get_mut("shadow").ok_or_else(|| "it has no [[shadow]]".to_owned())?;
    let shadows = shadows.as_array_of_tables_mut().ok_or_else(|| by_hand("shadow"))?;
    let is_it = |table: &Table| table.get("name").and_then(Item::as_str) == Some(name);
    let index = shadows.iter().position(is_it).ok_or_else(|| "no [[shadow]] has this name".to_owned())?;
    let shadow = shadows.remove(index);
    if shadows.is_empty() {
        document.remove("shadow");
    }
    Ok(shadow)
}

/// Replaces the keys of a plugin by those of the candidate.
fn replace(plugin: &mut Table, shadow: Table) {
    let position = plugin.position();
    if shadow.contains_key("wasm") || shadow.contains_key("source") {
        // The new build has its own, or none.
        for key in ["wasm", "source", "sha256", "signature"] {
            if !shadow.contains_key(key) {
                plugin.remove(key);
            }
        }
    }
    for (key, mut item) in own(shadow, KEYS) {
        place(&mut item, position);
        match plugin.get_mut(&key) {
            Some(old) if old.is_value() && item.is_value() => *old = item,
            _ => {
                plugin.remove(&key);
                plugin.insert_formatted(&key, item);
            }
        }
    }
}

/// A plugin of its own, from a candidate that adds it.
fn added(shadow: Table, name: &str) -> Table {
    let mut table = Table::new();
    *table.decor_mut() = shadow.decor().clone();
    table.insert("name", toml_edit::value(name));
    let keys: Vec<&str> = KEYS.iter().copied().chain(SHARED).collect();
    for (key, mut item) in own(shadow, &keys) {
        place(&mut item, None);
        table.insert_formatted(&key, item);
    }
    table
}

/// These keys of a table, in its order.
fn own(table: Table, keys: &[&str]) -> Vec<(toml_edit::Key, Item)> {
    let entries = table.iter().filter(|(key, _)| keys.contains(key));
    entries.filter_map(|(key, item)| Some((table.key(key)?.clone(), item.clone()))).collect()
}

/// Lets the tables in a value be written right behind the one that they are in: otherwise their headers would stay
/// where they were, behind another one.
fn place(item: &mut Item, position: Option<isize>) {
    if let Item::Table(table) = item {
        table.set_position(position);
        table.iter_mut().for_each(|(_, item)| place(item, position));
    }
    if let Item::ArrayOfTables(tables) = item {
        for table in tables.iter_mut() {
            table.set_position(position);
            table.iter_mut().for_each(|(_, item)| place(item, position));
        }
    }
}

/// The last position of a table, and of those in it.
fn last_position(table: &Table) -> isize {
    let of = |item: &Item| match item {
        Item::Table(table) => last_position(table),
        Item::ArrayOfTables(tables) => tables.iter().map(last_position).max().unwrap_or_default(),
        Item::None | Item::Value(_) => 0,
    };
    table.iter().map(|(_, item)| of(item)).max().unwrap_or_default().max(table.position().unwrap_or_default())
}

/// The number of a plugin.
fn position(plugins: &ArrayOfTables, name: &str) -> Result<usize, String> {
    let is_it = |table: &Table| table.get("name").and_then(Item::as_str) == Some(name);
    plugins.iter().position(is_it).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> String {
    format!("no [[plugin]] has the name {name}")
}

fn by_hand(key: &str) -> String {
    format!("`{key}` is an inline list, not [[{key}]] tables: edit the file by hand")
}

/// Fails if another candidate is about a plugin that is gone.
fn check_others(document: &DocumentMut, plugin: &str) -> Result<(), String> {
    let shadows = document.get("shadow").and_then(Item::as_array_of_tables);
    for other in shadows.into_iter().flatten() {
        let about = ["replace", "remove", "before", "after"];
        let is_about = about.iter().any(|key| other.get(key).and_then(Item::as_str) == Some(plugin));
        if is_about {
            let name = other.get("name").and_then(Item::as_str).unwrap_or_default();
            return Err(format!(
                "the candidate {name} names plugin {plugin} too: change or remove that candidate first"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"# The host.
[[platform]]
kind = "openim"

# First.
[[plugin]]
name = "a"
source = "a" # the crate
commands = ["*"]
[plugin.settings]
words = ["x"]

# Second.
[[plugin]]
name = "b"
wasm = "b.wasm"
sha256 = "00"
commands = ["*"]
settings = { n = 1 } # numbers

# Tried out.
[[shadow]]
name = "s"
"#;

    fn edited(shadow: &str) -> String {
        promoted(&format!("{FILE}{shadow}\n[[shadow]]\nname = \"other\"\nreplace = \"a\"\n"), "s").unwrap()
    }

    #[test]
    fn line_ends_stay_those_of_the_file() {
        let shadow = "replace = \"b\"\nwasm = \"b2.wasm\" # new\nsettings = { n = 2 }\n";
        let text = format!("{FILE}{shadow}").replace('\n', "\r\n");
        let promoted = promoted(&text, "s").unwrap();
        assert!(promoted.contains("b2.wasm") && has_carriage_returns(&promoted), "{promoted:?}");
        assert!(!promoted.contains("\r\r"), "{promoted:?}");
    }

    #[test]
    fn a_plugin_is_replaced_where_it_is_and_everything_else_stays() {
        let text = edited("replace = \"b\"\nwasm = \"b2.wasm\" # new\nsettings = { n = 2 }\npercent = 5\n");
        let expected = FILE
            .replace("wasm = \"b.wasm\"\nsha256 = \"00\"\n", "wasm = \"b2.wasm\" # new\n")
            .replace("settings = { n = 1 } # numbers", "settings = { n = 2 }")
            .replace("# Tried out.\n[[shadow]]\nname = \"s\"\n", "[[shadow]]\nname = \"other\"\nreplace = \"a\"\n");
        assert_eq!(text, expected);
    }

    #[test]
    fn tables_below_a_candidate_become_tables_below_its_plugin() {
        let text = edited("replace = \"a\"\n[shadow.settings]\nwords = [\"y\"]\n[shadow.settings.more]\nz = 1\n");
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["plugin"][0]["settings"]["words"][0].as_str(), Some("y"));
        assert_eq!(table["plugin"][0]["settings"]["more"]["z"].as_integer(), Some(1));
        assert_eq!(table["plugin"][1]["settings"]["n"].as_integer(), Some(1));
        assert_eq!(table["shadow"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn the_facts_of_a_candidate_become_those_of_its_plugin() {
        let text = edited("replace = \"b\"\nfacts = { sent = \"messages\" }\n");
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["plugin"][1]["facts"]["sent"].as_str(), Some("messages"), "{text}");
    }

    #[test]
    fn a_plugin_is_added_where_the_candidate_has_it() {
        let names = |text: &str| -> Vec<String> {
            let table: toml::Table = text.parse().unwrap();
            let plugins = table["plugin"].as_array().unwrap();
            plugins.iter().map(|plugin| plugin["name"].as_str().unwrap().to_owned()).collect()
        };
        let add = |place: &str| {
            edited(&format!(
                "add = \"new\"\nwasm = \"n.wasm\"\ncommands = [\"c\"]\n{place}\n[shadow.settings]\nk = 1\n"
            ))
        };
        for (place, order) in [
            ("", ["a", "b", "new"]),
            ("before = \"a\"", ["new", "a", "b"]),
            ("before = \"b\"", ["a", "new", "b"]),
            ("after = \"a\"", ["a", "new", "b"]),
            ("after = \"b\"", ["a", "b", "new"]),
        ] {
            let text = add(place);
            assert_eq!(names(&text), order, "{place}\n{text}");
            let table: toml::Table = text.parse().unwrap();
            let new = table["plugin"].as_array().unwrap().iter().find(|plugin| plugin["name"].as_str() == Some("new"));
            assert_eq!(new.unwrap()["settings"]["k"].as_integer(), Some(1));
            assert_eq!(
                table["plugin"].as_array().unwrap()[usize::from(order[0] == "new")]["settings"]["words"][0].as_str(),
                Some("x")
            );
            assert!(new.unwrap().get("before").is_none() && text.contains("# Tried out."), "{text}");
        }
    }

    #[test]
    fn a_plugin_is_removed_unless_another_candidate_is_about_it() {
        let text = edited("remove = \"b\"\n");
        assert!(!text.contains("b.wasm") && text.contains("# First."), "{text}");
        let error = promoted(&format!("{FILE}remove = \"a\"\n[[shadow]]\nname = \"other\"\nreplace = \"a\"\n"), "s");
        assert_eq!(error.unwrap_err(), "the candidate other names plugin a too: change or remove that candidate first");
        let only = "[[plugin]]\nname = \"a\"\n[[shadow]]\nname = \"s\"\nremove = \"a\"\n";
        assert_eq!(promoted(only, "s").unwrap(), "");
    }

    #[test]
    fn what_cannot_be_edited_is_said() {
        for (text, why) in [
            ("", "it has no [[shadow]]"),
            ("x", "it is not valid TOML"),
            ("[[shadow]]\nname = \"t\"\n", "no [[shadow]] has this name"),
            ("shadow = []\n", "`shadow` is an inline list, not [[shadow]] tables: edit the file by hand"),
            ("[[shadow]]\nname = \"s\"\nreplace = \"a\"\n", "no [[plugin]] has the name a"),
            ("[[shadow]]\nname = \"s\"\n", "the candidate has no change: give `replace`, `add` or `remove`"),
        ] {
            assert_eq!(promoted(text, "s").unwrap_err(), why, "{text}");
        }
    }
}
