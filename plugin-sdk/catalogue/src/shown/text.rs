//! A text that users can read, its place, and what replaces parts of it.

use std::ops::Range;

use super::path::Path;

/// What a text is in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The message's own text: of a text, a mention, a quote; or a content that is no JSON object.
    Text,
    /// In the message that is quoted.
    Quoted,
    /// In a bundle of forwarded messages: its title, its summary, the messages in it.
    Merged,
    /// The name on a card, or of a sender.
    Name,
    /// The description of a location, or of the app's own element.
    Description,
    /// The name of a file.
    File,
    /// In the app's own data.
    Custom,
    /// The text elements of one message, one after the other; each of them is visited by itself too.
    Joined,
}

impl Place {
    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Quoted => "quoted",
            Self::Merged => "merged",
            Self::Name => "name",
            Self::Description => "description",
            Self::File => "file",
            Self::Custom => "custom",
            Self::Joined => "joined",
        }
    }
}

/// One text that users can read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Shown<'t> {
    /// The text, with U+FFFD for what is half a character.
    pub text: &'t str,
    /// What it is in the message.
    pub place: Place,
    /// Where it is; shown as `MsgBody[0].MsgContent.Text`.
    pub path: &'t Path<'t>,
    /// For [`Place::Joined`]: where one element ends and the next begins, in bytes of `text`.
    pub seams: &'t [usize],
    /// Whether nothing can be replaced here: in joined elements, and in JSON that nests very deeply.
    pub is_fixed: bool,
}

impl<'t> Shown<'t> {
    /// A text as if it were at this place, for looking at it again.
    #[must_use]
    pub const fn plain(text: &'t str, place: Place, path: &'t Path<'t>) -> Self {
        Self { text, place, path, seams: &[], is_fixed: false }
    }

    /// Texts joined, for the sdk.
    #[doc(hidden)]
    #[must_use]
    pub const fn joined(text: &'t str, path: &'t Path<'t>, seams: &'t [usize]) -> Self {
        Self { text, place: Place::Joined, path, seams, is_fixed: true }
    }
}

/// A part of a text, in bytes, and what replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The part; it begins and ends between characters.
    pub range: Range<usize>,
    /// Its replacement.
    pub with: String,
}

impl Edit {
    /// A text with these parts replaced.
    ///
    /// ```
    /// # use callgate_catalogue as plugin_sdk;
    /// use plugin_sdk::neutral::Edit;
    /// let edits = [Edit { range: 0..4, with: "****".to_owned() }];
    /// assert_eq!(Edit::apply("free money", &edits), "**** money");
    /// ```
    #[must_use]
    pub fn apply(text: &str, edits: &[Self]) -> String {
        let mut new = String::with_capacity(text.len());
        let mut from = 0;
        for edit in edits {
            new.push_str(text.get(from..edit.range.start).unwrap_or_default());
            new.push_str(&edit.with);
            from = edit.range.end;
        }
        new.push_str(text.get(from..).unwrap_or_default());
        new
    }
}

/// Is shown each text, and returns what to replace in it: in order, without overlaps.
pub type Visit<'v> = dyn FnMut(&Shown<'_>) -> Vec<Edit> + 'v;

/// How a member is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It shows nothing itself; objects and lists in it are looked into.
    Hidden,
    /// Users read it.
    Text(Place),
    /// Users read it; it may also be a content element, as JSON text.
    Content(Place),
    /// The app's own data, as text or as JSON (see [`CustomText`]).
    Custom,
    /// In the app's own data: users may read every text.
    All,
    /// An object or a list in which every text is of this kind.
    Holds(Place),
}

/// How a chat server's clients read the member of this name, which is in lower case.
pub(crate) type Members = fn(name: &[u8]) -> How;
