//! How long files and functions are.

use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::{crate_folders, repository, rust_files, shown};

/// Most lines of a file.
const FILE_LINES_MAX: usize = 700;

/// Most lines of the file in the middle.
const FILE_LINES_MEDIAN_MAX: usize = 150;

/// Most lines of a function, from its `fn` to its last brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Files that may be longer, and why. One that is not longer any more has to leave this list.
const LONG_FILES: &[(&str, &str)] = &[];

/// Functions that may be longer, and why; the same holds.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[
    ("host/dialects/src/json.rs", "what_is_json_and_what_is_not", "data: texts that are JSON, and texts that are not"),
    (
        "host/sandbox/src/structure.rs",
        "each_maximum_is_allowed_and_one_more_is_not",
        "data: for each maximum, a module that has as much and one that has more",
    ),
];

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).expect("it can be read").lines().count()
}

#[test]
fn no_file_is_too_long() {
    let files = rust_files(repository());
    assert!(files.len() > 100, "the files are found");
    let long: Vec<_> = files.iter().filter(|path| lines(path) > FILE_LINES_MAX).map(|path| shown(path)).collect();
    let listed = |path: &str| LONG_FILES.iter().any(|(known, _)| *known == path);
    let unlisted: Vec<_> = long.iter().filter(|path| !listed(path)).collect();
    assert!(unlisted.is_empty(), "over {FILE_LINES_MAX} lines: {unlisted:?}");
    let gone: Vec<_> = LONG_FILES.iter().filter(|(known, _)| !long.iter().any(|path| path == known)).collect();
    assert!(gone.is_empty(), "not over {FILE_LINES_MAX} lines any more: {gone:?}");
}

#[test]
fn the_file_in_the_middle_is_short() {
    let mut all: Vec<_> = rust_files(repository()).iter().map(|path| lines(path)).collect();
    all.sort_unstable();
    let median = all[all.len() / 2];
    assert!(median <= FILE_LINES_MEDIAN_MAX, "the median is {median} lines");
}

#[test]
fn no_function_is_too_long() {
    let mut long = Vec::new();
    for path in crate_folders().iter().flat_map(|folder| rust_files(&folder.join("src"))) {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", shown(&path)));
        let functions = functions(&file).into_iter().filter(|(_, lines)| *lines > FUNCTION_LINES_MAX);
        long.extend(functions.map(|(name, lines)| (shown(&path), name, lines)));
    }
    let is = |(path, name, _): &(String, String, usize), (known, function, _): &(&str, &str, &str)| {
        path == known && name == function
    };
    let unlisted: Vec<_> = long.iter().filter(|found| !LONG_FUNCTIONS.iter().any(|known| is(found, known))).collect();
    assert!(unlisted.is_empty(), "functions of over {FUNCTION_LINES_MAX} lines: {unlisted:#?}");
    let gone: Vec<_> = LONG_FUNCTIONS.iter().filter(|known| !long.iter().any(|found| is(found, known))).collect();
    assert!(gone.is_empty(), "not over {FUNCTION_LINES_MAX} lines any more: {gone:?}");
}

/// All functions of a file, those in others too, with their lines.
fn functions(file: &syn::File) -> Vec<(String, usize)> {
    struct Found(Vec<(String, usize)>);

    impl Found {
        fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
            let lines = block.span().end().line - signature.span().start().line + 1;
            self.0.push((signature.ident.to_string(), lines));
        }
    }

    impl<'ast> Visit<'ast> for Found {
        fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
            self.add(&function.sig, &function.block);
            visit::visit_item_fn(self, function);
        }

        fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
            self.add(&function.sig, &function.block);
            visit::visit_impl_item_fn(self, function);
        }

        fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
            if let Some(block) = &function.default {
                self.add(&function.sig, block);
            }
            visit::visit_trait_item_fn(self, function);
        }
    }

    let mut found = Found(Vec::new());
    found.visit_file(file);
    found.0
}

#[test]
fn lines_of_functions_are_counted() {
    let text = "/// Not this.\n#[must_use]\npub fn a(\n) -> &'static str {\n    \"}\"\n}\n\
                impl X {\n    async fn b(&self) { fn c() {} }\n}\ntrait Y { fn d(); fn e() {\n} }\n";
    let file = syn::parse_file(text).unwrap();
    let expected = [("a", 4), ("b", 1), ("c", 1), ("e", 2)].map(|(name, lines)| (name.to_owned(), lines));
    assert_eq!(functions(&file), expected);
}
