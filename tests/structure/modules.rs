//! Reads which modules a crate has, and which of them each one uses.
//!
//! Paths are found among a file's tokens, so what is written in macros counts, and what is written in texts and
//! comments does not. Modules for tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree, token_stream};

/// The names of a module from the crate's root on: empty for the root itself.
pub(crate) type Module = Vec<String>;

/// The modules of one crate, and the paths that each of them writes.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    paths: BTreeMap<Module, Vec<WrittenPath>>,
    children: BTreeMap<Module, Vec<String>>,
}

/// A path that begins with `crate`, `self` or `super`, or stands in a `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct WrittenPath {
    segments: Vec<String>,
    /// The name under which a `pub use` makes it known.
    exported_as: Option<String>,
}

impl Modules {
    /// Reads a crate from its root file on.
    pub(crate) fn of_crate(root: &Path) -> Self {
        let mut modules = Self::default();
        // `lib.rs` and `main.rs` have their modules beside them.
        modules.file(root, root.parent().expect("a file is in a folder"), Vec::new());
        modules
    }

    /// Reads a crate that is one text.
    #[cfg(test)]
    pub(crate) fn of_text(text: &str) -> Self {
        let mut modules = Self::default();
        modules.tokens(text.parse().expect("Rust"), None, Vec::new());
        modules
    }

    /// Which modules each module uses: as its parts, or by a path.
    pub(crate) fn edges(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut edges = BTreeMap::new();
        for (module, paths) in &self.paths {
            let parts = self.children[module].iter().map(|child| with(module, child));
            let used = paths.iter().filter_map(|path| self.resolve(module, &path.segments));
            let all = parts.chain(used).filter(|used| used != module).collect();
            edges.insert(module.clone(), all);
        }
        edges
    }

    /// The module that a path leads to; `None`: to another crate, or to something of the module itself.
    fn resolve(&self, from: &Module, segments: &[String]) -> Option<Module> {
        let mut at = from.clone();
        let mut segments = segments.iter().peekable();
        match segments.peek()?.as_str() {
            "crate" => at.clear(),
            "self" | "super" => {}
            // Relative, as in `use child::Item`.
            name => drop(self.children[from].iter().find(|child| *child == name)?),
        }
        for segment in segments {
            match segment.as_str() {
                "crate" | "self" => {}
                "super" => drop(at.pop()),
                name if self.children.get(&at)?.iter().any(|child| child == name) => at.push(name.to_owned()),
                name => {
                    return match self.handed_on(&at, name) {
                        Some(path) => self.resolve(&at, &path.segments),
                        None => Some(at),
                    };
                }
            }
        }
        Some(at)
    }

    /// Where a name comes from that the root only hands on.
    fn handed_on(&self, at: &Module, name: &str) -> Option<&WrittenPath> {
        let paths = self.paths.get(at).filter(|_| at.is_empty())?;
        paths.iter().find(|path| path.exported_as.as_deref() == Some(name))
    }

    fn file(&mut self, path: &Path, folder: &Path, module: Module) {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let tokens = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.tokens(tokens, Some(folder), module);
    }

    /// Reads the tokens of one module whose own modules are in `folder`.
    fn tokens(&mut self, tokens: TokenStream, folder: Option<&Path>, module: Module) {
        let mut reader = Reader::default();
        reader.read(tokens);
        self.paths.insert(module.clone(), reader.paths);
        self.children.insert(module.clone(), reader.modules.iter().map(|(name, _)| name.clone()).collect());
        for (name, inline) in reader.modules {
            let child = with(&module, &name);
            let inner = folder.map(|folder| folder.join(&name));
            match (inline, folder) {
                (Some(tokens), _) => self.tokens(tokens, inner.as_deref(), child),
                (None, Some(folder)) => {
                    let candidates = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
                    let file: Option<&PathBuf> = candidates.iter().find(|path| path.is_file());
                    let file = file.unwrap_or_else(|| panic!("{} has no file", child.join("::")));
                    self.file(file, &folder.join(&name), child);
                }
                (None, None) => panic!("{} is in no file", child.join("::")),
            }
        }
    }
}

fn with(module: &Module, child: &str) -> Module {
    module.iter().cloned().chain([child.to_owned()]).collect()
}

/// Collects modules and paths from tokens.
#[derive(Default)]
struct Reader {
    modules: Vec<(String, Option<TokenStream>)>,
    paths: Vec<WrittenPath>,
    /// The last attribute was `#[cfg(test)]`.
    is_for_tests: bool,
    /// A `pub` came before.
    is_public: bool,
}

type Tokens = Peekable<token_stream::IntoIter>;

impl Reader {
    fn read(&mut self, tokens: TokenStream) {
        let mut tokens: Tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) => self.word(&word.to_string(), &mut tokens),
                // Where a `pub(in crate::module)` is visible is no use of that module.
                TokenTree::Group(group) if self.is_public && group.delimiter() == Delimiter::Parenthesis => {}
                TokenTree::Group(group) => {
                    let before = (self.is_for_tests, self.is_public);
                    self.read(group.stream());
                    // Attributes, and what stands in brackets behind `pub`, are on the way to what they belong to.
                    (self.is_for_tests, self.is_public) = match group.delimiter() {
                        Delimiter::Brace => (false, false),
                        Delimiter::Bracket if group.stream().to_string() == "cfg (test)" => (true, before.1),
                        _ => before,
                    };
                }
                TokenTree::Punct(mark) if mark.as_char() == ';' => (self.is_for_tests, self.is_public) = (false, false),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn word(&mut self, word: &str, tokens: &mut Tokens) {
        match word {
            "pub" => return self.is_public = true,
            "mod" => self.module(tokens),
            // `impl Trait + use<…>` names no path.
            "use" if matches!(tokens.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '<') => {}
            "use" => {
                let mut paths = Vec::new();
                use_tree(&mut Vec::new(), tokens, &mut paths);
                let is_public = self.is_public;
                let exported =
                    |path: WrittenPath| WrittenPath { exported_as: path.exported_as.filter(|_| is_public), ..path };
                self.paths.extend(paths.into_iter().map(exported));
            }
            "crate" | "self" | "super" if is_path_going_on(tokens) => {
                let mut segments = vec![word.to_owned()];
                while let Some(segment) = next_segment(tokens) {
                    segments.push(segment);
                }
                self.paths.push(WrittenPath { segments, exported_as: None });
                return;
            }
            // Between `pub` or an attribute and what it belongs to.
            "crate" | "self" | "super" | "unsafe" | "async" | "const" | "in" => return,
            _ => {}
        }
        (self.is_for_tests, self.is_public) = (false, false);
    }

    fn module(&mut self, tokens: &mut Tokens) {
        let Some(TokenTree::Ident(name)) = tokens.next() else { return };
        let inline = match tokens.peek() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
            Some(TokenTree::Punct(mark)) if mark.as_char() == ';' => None,
            _ => return,
        };
        tokens.next();
        if !self.is_for_tests {
            self.modules.push((name.to_string(), inline));
        }
    }
}

/// Whether `::` comes next.
fn is_path_going_on(tokens: &Tokens) -> bool {
    let mut tokens = tokens.clone();
    let mut colon = || matches!(tokens.next(), Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
    colon() && colon()
}

/// Steps over `::` and a name; over nothing if that is not what comes.
fn next_segment(tokens: &mut Tokens) -> Option<String> {
    let mut ahead = tokens.clone();
    if !is_path_going_on(&ahead) {
        return None;
    }
    let name = ahead.nth(2).filter(|token| matches!(token, TokenTree::Ident(_)))?.to_string();
    *tokens = ahead;
    Some(name)
}

/// Reads what follows `use`, up to the `,` or `;` behind it: one path for each name.
fn use_tree(before: &mut Module, tokens: &mut Tokens, paths: &mut Vec<WrittenPath>) {
    let from = before.len();
    let mut name = None;
    while let Some(token) = tokens.peek().cloned() {
        match token {
            TokenTree::Ident(word) if word == "as" => {
                tokens.next();
                name = tokens.next().map(|alias| alias.to_string());
            }
            TokenTree::Ident(word) => {
                tokens.next();
                before.push(word.to_string());
                name = Some(word.to_string());
            }
            TokenTree::Group(group) => {
                tokens.next();
                let mut inner: Tokens = group.stream().into_iter().peekable();
                while inner.peek().is_some() {
                    use_tree(before, &mut inner, paths);
                }
                before.truncate(from);
                return;
            }
            TokenTree::Punct(mark) if [',', ';'].contains(&mark.as_char()) => {
                tokens.next();
                break;
            }
            // `::` and `*`.
            _ => drop(tokens.next()),
        }
    }
    if before.len() > from {
        paths.push(WrittenPath { segments: before.clone(), exported_as: name });
    }
    before.truncate(from);
}
