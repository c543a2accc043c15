//! Where a text is, and which of the app's own members users read.

use std::fmt;

use crate::error::Error;

/// Where a value is in a message: the names and indices that lead to it. Written out only when it is displayed.
///
/// ```text
/// content.multiMessage[2].textElem.content
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
    /// Where the app's own data begins, steps count from here; 0 before it.
    custom: usize,
    depth: usize,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Name(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    /// The path of a member of the callback.
    #[doc(hidden)]
    #[must_use]
    pub const fn root(name: &'p str) -> Self {
        Self { parent: None, step: Step::Name(name), custom: 0, depth: 1 }
    }

    pub(super) fn name(&'p self, name: &'p str) -> Self {
        self.next(Step::Name(name))
    }

    pub(super) fn index(&'p self, index: usize) -> Self {
        self.next(Step::Index(index))
    }

    fn next(&'p self, step: Step<'p>) -> Self {
        let custom = if self.custom > 0 { self.custom + 1 } else { 0 };
        Self { parent: Some(self), step, custom, depth: self.depth + 1 }
    }

    /// This path as the first step of the app's own data.
    pub(super) const fn as_custom(self) -> Self {
        Self { custom: if self.custom == 0 { 1 } else { self.custom }, ..self }
    }

    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Whether this is in an element of the member that the path begins with.
    #[doc(hidden)]
    #[must_use]
    pub fn is_in_element(&self) -> bool {
        let mut here = self;
        while let Some(parent) = here.parent {
            if parent.parent.is_none() {
                return matches!(here.step, Step::Index(_));
            }
            here = parent;
        }
        false
    }

    /// Whether the steps since the app's own data began start with this pattern.
    fn is_below(&self, pattern: &[String]) -> bool {
        let Some(beyond) = self.custom.checked_sub(pattern.len()) else { return false };
        let mut here = Some(self);
        for _ in 0..beyond {
            here = here.and_then(|path| path.parent);
        }
        pattern.iter().rev().all(|wanted| {
            let Some(path) = here else { return false };
            here = path.parent;
            match path.step {
                _ if wanted == "*" => true,
                Step::Name(name) => same_name(name, wanted),
                Step::Index(index) => *wanted == index.to_string(),
            }
        })
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Name(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Name(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Whether a client takes one name for the other. Go's JSON package ignores case, and has two characters beyond ASCII
/// that fold to ASCII: the long s and the Kelvin sign.
pub(super) fn same_name(name: &str, known: &str) -> bool {
    name.eq_ignore_ascii_case(known)
        || !name.is_ascii() && name.chars().map(ascii_of).eq(known.chars().map(|c| c.to_ascii_lowercase()))
}

/// A character of a name as Go folds it.
pub(super) const fn ascii_of(c: char) -> char {
    match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    }
}

/// Which members of the app's own data users read: by default all texts in it.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::neutral::CustomText;
///
/// let everything = CustomText::default();
/// let titles = CustomText::new(&["data.text", "data.items.*.title"])?;
/// assert!(CustomText::new(&["data..text"]).is_err());
/// # Ok::<(), plugin_sdk::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CustomText {
    patterns: Vec<Vec<String>>,
}

impl CustomText {
    /// Only what is below one of these paths. A path begins with the member that holds the data (`data`, `Desc`, `Ext`,
    /// `CloudCustomData`, `ex`); letter case makes no difference; `*` is any name or index. No paths: every text.
    ///
    /// # Errors
    /// For a path with an empty step.
    pub fn new<T: AsRef<str>>(paths: &[T]) -> Result<Self, Error> {
        let split = |path: &T| {
            let steps: Vec<String> = path.as_ref().split('.').map(str::to_owned).collect();
            if steps.iter().any(String::is_empty) {
                let path = path.as_ref();
                return Err(Error::new(format!("`{path}` is no path: write names with dots between, as in data.text")));
            }
            Ok(steps)
        };
        paths.iter().map(split).collect::<Result<_, Error>>().map(|patterns| Self { patterns })
    }

    /// Whether users read the text at this path.
    pub(super) fn has(&self, path: &Path<'_>) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| path.is_below(pattern))
    }

    /// Whether a path begins with this name.
    pub(super) fn names(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.first().is_some_and(|first| same_name(name, first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_people_write_it() {
        let root = Path::root("MsgBody");
        let elem = root.index(0);
        let content = elem.name("MsgContent");
        assert_eq!(content.name("Text").to_string(), "MsgBody[0].MsgContent.Text");
        assert!(content.name("Text").is_in_element() && elem.is_in_element());
        assert!(!root.is_in_element() && !root.name("a").index(0).is_in_element());
    }

    #[test]
    fn names_are_folded_as_go_folds_them() {
        assert!(same_name("Content", "content") && same_name("ab\u{17f}tractLi\u{17f}t", "abstractList"));
        assert!(!same_name("contents", "content") && !same_name("cöntent", "content"));
    }

    #[test]
    fn patterns_choose_members_and_all_below() {
        let custom = CustomText::new(&["data.items.*.title", "ext"]).unwrap();
        let root = Path::root("content");
        let data = root.name("Data").as_custom();
        let items = data.name("items");
        let item = items.index(3);
        let title = item.name("title");
        assert!(custom.has(&title) && custom.has(&title.name("more")));
        assert!(!custom.has(&item) && !custom.has(&item.name("id")) && !custom.has(&data));
        assert!(custom.has(&root.name("ext").as_custom().name("any")));
        assert!(CustomText::default().has(&data));
        assert!(custom.names("EXT") && !custom.names("items"));
    }
}
