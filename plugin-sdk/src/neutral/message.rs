//! Messages, and the texts in them.

use std::ops::Deref;

use callgate_catalogue::neutral::{CustomText, Edit, MessageNames, Path, Place, Receiver, Shown, Target, Visit};
use callgate_catalogue::object::Raw;
use callgate_catalogue::{FieldError, Text};

use super::view::View;
use crate::verdict::{Changes, Verdict};

/// A message, before or after it is sent.
#[derive(Debug, Clone)]
pub struct Message<'a>(View<'a, MessageNames>);

impl<'a> Message<'a> {
    part!(MESSAGES);

    /// ID of the user who sent it, or edited it; for a message of an official channel, the channel's.
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn actor(&self) -> Result<Text<'a>, FieldError> {
        self.0.body.read(self.0.row.names.actor)
    }

    /// Whom it is for.
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn target(&self) -> Result<Target<Text<'a>>, FieldError> {
        let body = &self.0.body;
        match self.0.row.names.target {
            Receiver::User(name) => body.read(name).map(Target::User),
            Receiver::Group(name) => body.read(name).map(Target::Group),
            Receiver::UserOrGroup(user, group) => match body.read::<Text<'a>>(user)? {
                user if user.is_empty() => body.read(group).map(Target::Group),
                user => Ok(Target::User(user)),
            },
            Receiver::Unknown => Ok(Target::Unknown),
        }
    }

    /// Every text that users read in it, with its place; see the table in the sdk's page. The text elements of one
    /// message are there one by one, and, if there are several, joined. In the app's own data every text counts;
    /// [`visit_texts`](Self::visit_texts) can choose.
    ///
    /// A text is what clients show: half a surrogate pair is U+FFFD, of two members with one name both are here, and an
    /// element that cannot be read hides no other.
    ///
    /// # Errors
    /// If there is no content, or one of another type.
    pub fn texts(&self) -> Result<Vec<MessageText>, FieldError> {
        let mut texts = Vec::new();
        self.visit_texts(&CustomText::default(), &mut |shown| {
            texts.push(MessageText { text: shown.text.to_owned(), place: shown.place, path: shown.path.to_string() });
            Vec::new()
        })?;
        Ok(texts)
    }

    /// How many users it mentions, by the chat server's list; 0 if it sends none.
    ///
    /// # Errors
    /// If the list is none.
    pub fn mentions(&self) -> Result<usize, FieldError> {
        let list = |name| self.0.body.read_or_empty::<Vec<Raw<'_>>>(name).map(|list| list.len());
        self.0.row.names.mentions.map_or(Ok(0), list)
    }

    /// Whether the answer can replace the message's content.
    #[must_use]
    pub fn can_change(&self) -> bool {
        !self.0.row.command.changes.is_empty()
    }

    /// Replaces texts by what `new` makes of them; where it gives `None`, the text stays. All else in the message stays
    /// byte for byte as it came. The outer `None`: this message cannot be changed.
    ///
    /// # Errors
    /// If there is no content, or one of another type.
    pub fn with_texts(&self, new: impl Fn(&str) -> Option<String>) -> Result<Option<Verdict>, FieldError> {
        if !self.can_change() {
            return Ok(None);
        }
        let (mut wanted, mut is_fixed) = (false, false);
        let verdict = self.visit_texts(&CustomText::default(), &mut |shown| {
            if shown.place == Place::Joined {
                return Vec::new();
            }
            let Some(with) = new(shown.text) else { return Vec::new() };
            (wanted, is_fixed) = (true, is_fixed || shown.is_fixed);
            vec![Edit { range: 0..shown.text.len(), with }]
        })?;
        Ok(if is_fixed { None } else { verdict.or((!wanted).then_some(Verdict::Allow)) })
    }

    /// Visits the texts in the order in which they are written, the joined elements last, and applies the edits that
    /// `visit` returns for them. Edits of a text that [is fixed](Shown::is_fixed) have no effect. `custom` says what
    /// users read in the app's own data.
    ///
    /// The result is the changed message; `None` if nothing was replaced, or if the chat server could not send the
    /// result.
    ///
    /// # Errors
    /// If there is no content, or one of another type.
    ///
    /// ```
    /// use plugin_sdk::neutral::{CustomText, Edit, Message};
    /// use plugin_sdk::{Callback, Error, Reply};
    ///
    /// fn decide(callback: &Callback<'_>) -> Result<Reply, Error> {
    ///     let Some(message) = Message::of(callback)? else { return Ok(Reply::allow()) };
    ///     let mut first = None;
    ///     let masked = message.visit_texts(&CustomText::default(), &mut |shown| {
    ///         let Some(at) = shown.text.find("secret") else { return Vec::new() };
    ///         first.get_or_insert_with(|| format!("{} {at}", shown.path)); // "content.text 12"
    ///         vec![Edit { range: at..at + 6, with: "******".to_owned() }]
    ///     })?;
    ///     Ok(masked.map_or_else(Reply::allow, Reply::from))
    /// }
    /// ```
    pub fn visit_texts(&self, custom: &CustomText, visit: &mut Visit<'_>) -> Result<Option<Verdict>, FieldError> {
        let content = &self.0.row.names.content;
        let mut joined = Joined::default();
        let new = (content.visit)(&self.0.body, content.name, custom, &mut |shown| {
            let edits = visit(shown);
            if shown.place == Place::Text && shown.path.is_in_element() {
                joined.add(shown.text, &edits);
            }
            edits
        })?;
        if !joined.seams.is_empty() {
            visit(&Shown::joined(&joined.text, &Path::root(content.name), &joined.seams));
        }
        let mut changes = Changes::default();
        for (name, value) in new {
            if self.0.row.command.change(name).is_some() {
                changes.set(name, value);
            }
        }
        Ok((!changes.is_empty()).then_some(Verdict::Modify(changes)))
    }
}

/// The text elements of a message, as they will be read one after the other.
#[derive(Default)]
struct Joined {
    text: String,
    seams: Vec<usize>,
    elements: usize,
}

impl Joined {
    fn add(&mut self, text: &str, edits: &[Edit]) {
        if self.elements > 0 {
            self.seams.push(self.text.len());
        }
        self.elements += 1;
        if edits.is_empty() {
            self.text.push_str(text);
        } else {
            self.text.push_str(&Edit::apply(text, edits));
        }
    }
}

/// A text that users read in a message. It is used like a `str`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageText {
    text: String,
    place: Place,
    path: String,
}

impl MessageText {
    /// What it is in the message.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// Where it is, as `MsgBody[0].MsgContent.Text`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl Deref for MessageText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}
