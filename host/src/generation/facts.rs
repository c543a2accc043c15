//! The facts of a generation: their sources, and which of them each plugin gets.

use callgate_catalogue::wire::Manifest;
use callgate_facts::Facts;
use callgate_facts::settings::BadFile;
use callgate_terminal::nearest;

use super::problem::{PluginError, PluginProblem};
use crate::chain::ItsFact;
use crate::settings::{self, Settings, Start};

/// Opens the source of each fact; unchanged sources of `before` are reused. Blocks: it reads files.
///
/// # Errors
/// The problems of all sources that cannot be used.
pub(super) fn open(settings: &Settings, before: Option<&Facts>) -> Result<Facts, Vec<PluginError>> {
    let facts: Vec<_> = settings.facts.iter().map(|fact| fact.settings.clone()).collect();
    // A reload never replaces what works.
    let bad_file = match before.is_none() && settings.server.start == Start::Healthy {
        true => BadFile::Fails,
        false => BadFile::IsRefused,
    };
    Facts::open(&facts, before.unwrap_or(&Facts::default()), bad_file).map_err(|errors| {
        let error = |(index, error): (usize, callgate_facts::SourceError)| {
            let fact = settings.facts.get(index);
            let (number, name) = fact.map_or((0, String::new()), |it| (it.number, it.settings.name.clone()));
            PluginError { table: "fact", number, name, why: PluginProblem::Source(error) }
        };
        errors.into_iter().map(error).collect()
    })
}

/// The facts of a plugin. A name that is missing under `facts` means
/// the `[[fact]]` of the same name.
///
/// # Errors
/// What is wrong with its key `facts`.
pub(super) fn of_plugin(
    plugin: &settings::Plugin,
    manifest: &Manifest,
    facts: &[settings::Fact],
) -> Result<Vec<ItsFact>, PluginProblem> {
    let wrong = |what: String| Err(PluginProblem::Facts { what });
    let names: Vec<&str> = manifest.facts.iter().chain(&manifest.updates).map(String::as_str).collect();
    for (name, _) in &plugin.facts {
        if !names.contains(&name.as_str()) {
            let hint = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => "it uses no facts".to_owned(),
                None => format!("it uses {}", names.join(", ")),
            };
            return wrong(format!("its code uses no fact `{name}`; {hint}"));
        }
    }
    let mut of_plugin = Vec::new();
    for name in names {
        let written = plugin.facts.iter().find(|(known, _)| known == name).map(|(_, fact)| fact.as_str());
        let number = facts.iter().position(|fact| fact.settings.name == written.unwrap_or(name));
        let is_read = manifest.facts.iter().any(|fact| fact == name);
        let Some((number, fact)) = number.and_then(|number| Some((number, facts.get(number)?))) else {
            // Facts that it only changes need not be configured.
            if is_read {
                return wrong(format!("its code needs the fact `{name}`: name the [[fact]] that it comes from"));
            }
            continue;
        };
        let settings = &fact.settings;
        let is_for_it = |name: &String| name == settings::plain_name(&plugin.name);
        if !settings.plugins.is_empty() && !settings.plugins.iter().any(is_for_it) {
            if is_read || written.is_some() {
                return wrong(format!(
                    "its code uses the fact `{name}`, which is not for it: `plugins` of the [[fact]] {} does not list it",
                    settings.name
                ));
            }
            continue;
        }
        if manifest.updates.iter().any(|update| update == name) && !settings.source.is_writable() {
            return wrong(format!(
                "its code changes the fact `{name}`, and the [[fact]] {} can only be read: name a counter, or a Redis with \
                 `writable = true`",
                settings.name
            ));
        }
        of_plugin.push(ItsFact { own: name.to_owned(), fact: settings.name.clone(), number });
    }
    Ok(of_plugin)
}
