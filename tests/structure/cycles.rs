//! No module uses one that uses it, be it over others. A module uses its parts, so a part that uses its whole is a
//! cycle.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::{Module, Modules};
use crate::{crate_folders, shown};

#[test]
fn no_module_of_any_crate_is_in_an_import_cycle() {
    let roots =
        crate_folders().into_iter().flat_map(|folder| ["src/lib.rs", "src/main.rs"].map(|root| folder.join(root)));
    let mut found = Vec::new();
    for root in roots.filter(|root| root.is_file()) {
        let edges = Modules::of_crate(&root).edges();
        found.push((shown(&root), in_cycles(edges)));
    }
    let wrong: Vec<_> = found.iter().filter(|(_, cycles)| !cycles.is_empty()).collect();
    assert!(wrong.is_empty(), "import cycles: {wrong:#?}");
}

/// The uses that cycles are made of, and those that lead from one cycle to another.
///
/// What uses nothing is in no cycle, nor is what nothing uses; without those, the same holds of others.
fn in_cycles(mut edges: BTreeMap<Module, BTreeSet<Module>>) -> Vec<String> {
    loop {
        let used: BTreeSet<Module> = edges.values().flatten().cloned().collect();
        let before = edges.len();
        edges.retain(|module, uses| !uses.is_empty() && used.contains(module));
        let left: BTreeSet<Module> = edges.keys().cloned().collect();
        edges.values_mut().for_each(|uses| uses.retain(|module| left.contains(module)));
        if edges.len() == before {
            break;
        }
    }
    let name = |module: &Module| format!("crate::{}", module.join("::")).trim_end_matches(':').to_owned();
    let line = |(module, uses): (&Module, &BTreeSet<Module>)| {
        let uses: Vec<_> = uses.iter().map(name).collect();
        format!("{} uses {}", name(module), uses.join(", "))
    };
    edges.iter().map(line).collect()
}

fn cycles(text: &str) -> Vec<String> {
    in_cycles(Modules::of_text(text).edges())
}

#[test]
fn a_planted_cycle_is_found() {
    let two = "mod a { use crate::b::B; } mod b { use crate::a::A; } mod c { use crate::a::A; }";
    assert_eq!(cycles(two), ["crate::a uses crate::b", "crate::b uses crate::a"]);
    let three = "mod a { use super::b; } mod b { fn f() { crate::c::f() } } mod c { type A = Vec<super::a::A>; }";
    assert_eq!(cycles(three).len(), 3, "{:?}", cycles(three));
    let grouped = "mod a { use crate::{c::{C, D}, b::{self, B as X}}; } mod b { use crate::a::*; } mod c {}";
    assert_eq!(cycles(grouped), ["crate::a uses crate::b", "crate::b uses crate::a"]);
}

#[test]
fn a_part_that_uses_its_whole_is_a_cycle() {
    assert_eq!(
        cycles("mod a { mod part { use super::Item; } } mod b { pub struct Item; }"),
        ["crate::a uses crate::a::part", "crate::a::part uses crate::a"]
    );
    assert_eq!(cycles("mod a { use crate::item; } pub fn item() {}"), ["crate uses crate::a", "crate::a uses crate"]);
}

#[test]
fn a_name_that_the_root_hands_on_stands_for_its_module() {
    assert!(cycles("mod a { use crate::Item; } mod b {} pub use b::Item;").is_empty());
    let cycle = "mod a { use crate::Item; } mod b { use crate::a; } pub use b::{Item, Other as Another};";
    assert_eq!(cycles(cycle), ["crate::a uses crate::b", "crate::b uses crate::a"]);
}

#[test]
fn macros_count_and_tests_texts_and_comments_do_not() {
    let in_macros = "mod a { fn f() { vec![crate::b::B]; } } mod b { macro_rules! m { () => { $crate::a::A } } }";
    assert_eq!(cycles(in_macros).len(), 2, "{:?}", cycles(in_macros));
    let quiet = r#"
        mod a {
            //! As in [`crate::b`].
            const TEXT: &str = "crate::b::B";
            #[cfg(test)]
            mod tests { use crate::b::B; use super::*; }
        }
        mod b { use crate::a::A; pub(crate) mod c { use std::fmt; pub(in crate::b) fn f(self: crate::a::A) {} } }
    "#;
    assert!(cycles(quiet).is_empty(), "{:?}", cycles(quiet));
}
