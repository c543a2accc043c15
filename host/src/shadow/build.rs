//! Builds the chains of candidates.

use std::collections::BTreeMap;
use std::sync::Arc;

use callgate_catalogue::catalogue::Command;
use callgate_sandbox::sha256;

use super::book::Book;
use super::canary::Canary;
use super::candidate::{Candidate, Shadow};
use crate::chain::{Chain, Link};
use crate::settings::{self, Change, Platform};
use crate::telemetry::ShadowFamilies;

/// What it takes to build the candidates of a generation.
pub(crate) struct Builder<'b> {
    /// The plugins in service, in the order of the settings.
    pub(crate) links: &'b [Arc<Link>],
    pub(crate) families: &'b ShadowFamilies,
    /// The candidates of the generation before.
    pub(crate) before: &'b [Arc<Shadow>],
    pub(crate) payloads: bool,
    pub(crate) now_unix_ms: u64,
}

/// A candidate at a command of the platform with this number.
pub(crate) type Placed = (usize, &'static Command, Arc<Candidate>);

/// A command at which a candidate makes a difference.
struct Place {
    /// The number of its platform.
    platform: usize,
    command: &'static Command,
    /// The plugins of the candidate, from those that are loaded.
    links: Vec<Arc<Link>>,
}

impl Builder<'_> {
    /// A candidate, and its chain for each command at which it makes a difference, with the number of the platform.
    /// `new`: the plugin that was loaded for it. `platforms`: those of the generation, and under which numbers the
    /// workers schedule them.
    pub(crate) fn build(
        &self,
        settings: &settings::Shadow,
        new: Option<&Arc<Link>>,
        platforms: &[(&Platform, usize)],
    ) -> (Arc<Shadow>, Vec<Placed>) {
        let (mut places, fingerprint) = self.places(settings, &self.order(settings, new), platforms);
        let is_loaded = new.is_none_or(|new| new.plugin().is_some());
        places.retain(|_| is_loaded);
        let named = self.before.iter().find(|before| before.name() == settings.name);
        let before = named.filter(|before| before.book.fingerprint == fingerprint);
        let is_same = |canary: &Canary| canary.is(settings.percent, settings.fall_back);
        let canary = before.map(|before| &before.canary).filter(|canary| is_same(canary));
        let new_canary = || Arc::new(Canary::new(&settings.name, settings.percent, settings.fall_back));
        let new_book =
            || Arc::new(Book::new(&settings.name, fingerprint.clone(), self.families.clone(), self.now_unix_ms));
        // Each plugin once, under the name that it has in the candidate.
        let mut apart: BTreeMap<String, Arc<Link>> = BTreeMap::new();
        let mut chains = Vec::new();
        for Place { platform, command, links } in &places {
            let links = links.iter().map(|link| {
                let name = match link.name().contains('@') {
                    true => link.name().to_string(),
                    false => format!("{}@{}", link.name(), settings.name),
                };
                let known = named.and_then(|before| before.links.iter().find(|known| **known.name() == *name));
                Arc::clone(
                    apart.entry(name).or_insert_with_key(|name| Arc::new(link.apart(name, known.map(Arc::as_ref)))),
                )
            });
            let links: Vec<_> = links.map(|link| (Arc::clone(&link), link.new_crowd())).collect();
            let Some((of, flow)) = platforms.get(*platform) else { continue };
            chains.push((*platform, *command, Arc::new(Chain::new(command, *flow, of, links))));
        }
        let shadow = Arc::new(Shadow {
            settings: settings.clone(),
            book: before.map_or_else(new_book, |before| Arc::clone(&before.book)),
            canary: canary.map_or_else(new_canary, Arc::clone),
            links: apart.into_values().collect(),
        });
        let candidates = chains.into_iter().filter_map(|(number, command, chain)| {
            let (platform, _) = platforms.get(number)?;
            let candidate = Candidate {
                chain,
                tally: shadow.book.tally(&platform.name, command.name),
                platform: platform.name.clone(),
                command: command.name,
                protocol: platform.server.protocol(),
                payloads: self.payloads,
                shadow: Arc::clone(&shadow),
            };
            Some((number, command, Arc::new(candidate)))
        });
        let candidates: Vec<_> = candidates.collect();
        if candidates.is_empty() && is_loaded {
            let shadow = settings.name.as_str();
            tracing::warn!(shadow, "this candidate changes nothing for any command: correct its `commands`");
        }
        (shadow, candidates)
    }

    /// The plugins in the order in which the candidate has them.
    fn order(&self, settings: &settings::Shadow, new: Option<&Arc<Link>>) -> Vec<Arc<Link>> {
        let mut order = self.links.to_vec();
        match &settings.change {
            Change::Replace { index, .. } => {
                if let (Some(place), Some(new)) = (order.get_mut(*index), new) {
                    *place = Arc::clone(new);
                }
            }
            Change::Add { at, .. } => {
                if let Some(new) = new {
                    order.insert((*at).min(order.len()), Arc::clone(new));
                }
            }
            Change::Remove { index, .. } => {
                if *index < order.len() {
                    order.remove(*index);
                }
            }
        }
        order
    }

    /// The commands at which the candidate makes a difference, and a digest of what both chains of each are made of.
    fn places(
        &self,
        settings: &settings::Shadow,
        order: &[Arc<Link>],
        platforms: &[(&Platform, usize)],
    ) -> (Vec<Place>, String) {
        let (mut places, mut made_of) = (Vec::new(), String::new());
        for (number, (platform, _)) in platforms.iter().enumerate() {
            if !settings.platforms.contains(&platform.name) {
                continue;
            }
            for command in platform.server.protocol().commands {
                if !settings.commands.iter().any(|pattern| pattern.matches(command.name)) {
                    continue;
                }
                let taking = |links: &[Arc<Link>]| -> Vec<Arc<Link>> {
                    links.iter().filter(|link| link.takes(platform, command)).cloned().collect()
                };
                let (present, links) = (taking(self.links), taking(order));
                if present.len() == links.len()
                    && present.iter().zip(&links).all(|(one, other)| Arc::ptr_eq(one, other))
                {
                    continue;
                }
                made_of.push_str(&format!("{} {} {:?}", platform.name, command.name, platform.on_fault(command)));
                for (side, links) in [("present", &present), ("candidate", &links)] {
                    made_of.push_str(side);
                    links.iter().for_each(|link| made_of.push_str(&format!(" {} {};", link.name(), link.made_of())));
                }
                places.push(Place { platform: number, command, links });
            }
        }
        (places, sha256(made_of.as_bytes()))
    }
}
