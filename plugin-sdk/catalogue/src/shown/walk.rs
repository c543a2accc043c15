//! The walk through a message's JSON.

use std::ops::Range;

use super::edit;
use super::path::{CustomText, Path, ascii_of};
use super::text::{Edit, How, Members, Place, Shown, Visit};
use crate::scan::{self, Raw, Scan};
use crate::write;

/// Values nested deeper than this, strings that hold JSON included, are not looked into member by member: every string
/// in them counts as a text. Honest messages nest a dozen levels; each level of this walk takes stack.
pub(crate) const DEPTH_MAX: usize = 40;
/// Most times that a text which is also an element is visited as both.
const ROUNDS_MAX: usize = 4;
/// The longest name of a member that users read, in bytes.
const NAME_BYTES_MAX: usize = 16;

/// Visits the texts of one message.
pub(crate) struct Walk<'w, 'v> {
    members: Members,
    custom: &'w CustomText,
    visit: &'w mut Visit<'v>,
}

/// What holds for all that is below a member.
#[derive(Clone, Copy)]
struct Below {
    how: How,
    /// In what the value is, if that decides what its texts are.
    inside: Option<Place>,
}

impl<'w, 'v> Walk<'w, 'v> {
    pub(crate) const fn new(members: Members, custom: &'w CustomText, visit: &'w mut Visit<'v>) -> Self {
        Self { members, custom, visit }
    }

    /// Visits the texts in the text of a member that may be JSON, and returns it with the replacements; `None` if there
    /// are none.
    pub(crate) fn content(&mut self, text: &str, how: How, path: &Path<'_>) -> Option<String> {
        let path = if how == How::Custom { path.as_custom() } else { *path };
        let below = Below { how, inside: None };
        self.inner(text, below, &path).unwrap_or_else(|NotJson| self.plain(text, below, &path))
    }

    /// Visits the texts in a JSON value, and returns it with the replacements; `None` if there are none.
    pub(crate) fn json(&mut self, raw: Raw<'_>, path: &Path<'_>) -> Option<String> {
        self.value(raw, Below { how: How::Hidden, inside: None }, path).ok().flatten()
    }

    /// `Err` if it looks like an object or a list, and is none.
    fn value(&mut self, raw: Raw<'_>, below: Below, path: &Path<'_>) -> Result<Option<String>, NotJson> {
        let json = raw.get();
        if path.depth() > DEPTH_MAX {
            self.strings(json, below.inside.unwrap_or(Place::Text), path);
            return Ok(None);
        }
        let is_data = below.how == How::Custom && matches!(json.as_bytes().first(), Some(b'{' | b'['));
        let below = if is_data { Below { how: How::All, ..below } } else { below };
        match json.as_bytes().first() {
            Some(b'"') => Ok(self.string(raw, below, path)),
            Some(b'{') => self.object(json, below, path),
            Some(b'[') => self.list(json, below, path),
            // A client in JavaScript shows a number where it expects a text.
            _ if json != "null" && matches!(below.how, How::Text(_) | How::Content(_)) => {
                let new = self.text(json, json, below, path);
                Ok(new.map(|new| format!("\"{new}\"")))
            }
            _ => Ok(None),
        }
    }

    fn object(&mut self, json: &str, below: Below, path: &Path<'_>) -> Result<Option<String>, NotJson> {
        let mut pieces = Vec::new();
        scan::object(json, |name, raw| {
            let mut at = path.name(&name);
            let below = self.member(&name, below, &mut at);
            if let Ok(Some(new)) = self.value(raw, below, &at) {
                pieces.push((edit::range(json, raw.get()), new));
            }
        })
        .ok_or(NotJson)?;
        Ok(replaced(json, &pieces))
    }

    fn list(&mut self, json: &str, below: Below, path: &Path<'_>) -> Result<Option<String>, NotJson> {
        let (mut pieces, mut index) = (Vec::new(), 0);
        scan::list(json, |raw| {
            if let Ok(Some(new)) = self.value(raw, below, &path.index(index)) {
                pieces.push((edit::range(json, raw.get()), new));
            }
            index += 1;
        })
        .ok_or(NotJson)?;
        Ok(replaced(json, &pieces))
    }

    /// How the member `name` is read.
    fn member(&self, name: &str, below: Below, at: &mut Path<'_>) -> Below {
        if below.how == How::All {
            return below;
        }
        let mut lower = [0; NAME_BYTES_MAX];
        let mut len = 0;
        for c in name.chars().map(ascii_of) {
            // A longer name, or one that is not ASCII, is not known.
            let Some(byte) = lower.get_mut(len).filter(|_| c.is_ascii()) else {
                len = 0;
                break;
            };
            *byte = c as u8;
            len += 1;
        }
        let mut how = (self.members)(lower.get(..len).unwrap_or_default());
        if how == How::Hidden && self.custom.names(name) {
            how = How::Custom;
        }
        match how {
            How::Holds(place) => Below { how: How::Hidden, inside: below.inside.or(Some(place)) },
            How::Custom => {
                *at = at.as_custom();
                Below { how: How::Custom, inside: below.inside }
            }
            how => Below { how, inside: below.inside },
        }
    }

    fn string(&mut self, raw: Raw<'_>, below: Below, path: &Path<'_>) -> Option<String> {
        if matches!(below.how, How::Hidden | How::Holds(_)) {
            return None;
        }
        let text = raw.unescaped()?;
        match self.inner(&text, below, path) {
            Ok(new) if !matches!(below.how, How::Content(_)) => new.map(|new| write::quoted(&new)),
            Ok(new) => {
                let is_new = new.is_some();
                let both = self.both(new.unwrap_or_else(|| text.clone().into_owned()), below, path);
                (is_new || both != text).then(|| write::quoted(&both))
            }
            Err(NotJson) => {
                let new = self.text(&text, raw.between_quotes()?, below, path)?;
                Some(format!("\"{new}\""))
            }
        }
    }

    /// What users type can look like an element, and is shown as they typed it: an element is also visited as
    /// the text that it is, until nothing more is replaced.
    fn both(&mut self, mut text: String, below: Below, path: &Path<'_>) -> String {
        for _ in 0..ROUNDS_MAX {
            let Some(new) = self.plain(&text, below, path) else { break };
            text = new;
            match self.inner(&text, below, path) {
                Ok(Some(new)) => text = new,
                Ok(None) | Err(NotJson) => break,
            }
        }
        text
    }

    /// The JSON in a text that may hold some.
    fn inner(&mut self, text: &str, below: Below, path: &Path<'_>) -> Result<Option<String>, NotJson> {
        let first = text.trim_ascii_start().as_bytes().first();
        let how = match (below.how, first) {
            (How::Content(_), Some(b'{')) => How::Hidden,
            (How::Custom | How::All, Some(b'{' | b'[')) => How::All,
            _ => return Err(NotJson),
        };
        let raw = Scan::new(text).only_value().ok_or(NotJson)?;
        let new = self.value(raw, Below { how, ..below }, path)?;
        Ok(new.map(|new| edit::pieces(text, &[(edit::range(text, raw.get()), new)])))
    }

    /// A text that is not in quotes.
    fn plain(&mut self, text: &str, below: Below, path: &Path<'_>) -> Option<String> {
        let edits = self.edits(text, below, path);
        (!edits.is_empty()).then(|| Edit::apply(text, &edits))
    }

    /// A text that is written like this between quotes.
    fn text(&mut self, text: &str, written: &str, below: Below, path: &Path<'_>) -> Option<String> {
        let edits = self.edits(text, below, path);
        (!edits.is_empty()).then(|| edit::string(written, &edits))
    }

    fn edits(&mut self, text: &str, below: Below, path: &Path<'_>) -> Vec<Edit> {
        let place = match below.how {
            How::Text(place) | How::Content(place) | How::Holds(place) => below.inside.unwrap_or(place),
            How::Custom | How::All if !self.custom.has(path) => return Vec::new(),
            How::Custom | How::All => below.inside.unwrap_or(Place::Custom),
            How::Hidden => below.inside.unwrap_or(Place::Text),
        };
        (self.visit)(&Shown { text, place, path, seams: &[], is_fixed: false })
    }

    /// All strings of a JSON text, without regard for its structure.
    fn strings(&mut self, json: &str, place: Place, path: &Path<'_>) {
        let mut scan = Scan::new(json);
        while let Some(raw) = scan.next_string() {
            if let Some(text) = raw.unescaped() {
                (self.visit)(&Shown { text: &text, place, path, seams: &[], is_fixed: true });
            }
        }
    }
}

/// What looks like an object or a list is none.
struct NotJson;

fn replaced(json: &str, pieces: &[(Range<usize>, String)]) -> Option<String> {
    (!pieces.is_empty()).then(|| edit::pieces(json, pieces))
}
