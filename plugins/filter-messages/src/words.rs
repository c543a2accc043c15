//! Lists of words as the operator writes them.

use plugin_sdk::{Error, text};
use serde::Deserialize;

/// Maximum number of words in all lists together; with more, `configure` rejects the settings.
pub(crate) const WORDS_MAX: usize = 50_000;
/// Maximum size of all words together, in bytes, without comments; with more, `configure` rejects the settings.
pub(crate) const WORDS_BYTES_MAX: usize = 1 << 20;

/// Words as the operator writes them.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "`words` must be a list of texts, or one text with a word on each line")]
pub(crate) enum WordList {
    /// One text for each word.
    List(Vec<String>),
    /// One text: a word on each line; blank lines, and lines that begin with `#`, are skipped.
    Lines(String),
}

impl Default for WordList {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl WordList {
    /// The words; `setting` is their name in errors.
    pub(crate) fn words(self, setting: &str) -> Result<Vec<String>, Error> {
        match self {
            Self::List(words) => match words.iter().position(|word| text::is_blank(word)) {
                Some(index) => {
                    Err(format!("`{setting}[{index}]` has no visible character; remove it, or write a word").into())
                }
                None => Ok(words),
            },
            Self::Lines(lines) => {
                let lines = lines.trim_start_matches('\u{feff}').lines().map(str::trim);
                let words = lines.filter(|line| !line.starts_with('#') && !text::is_blank(line));
                Ok(words.map(str::to_owned).collect())
            }
        }
    }
}
