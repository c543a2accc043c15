//! Reads a file of keys, line by line if the format has lines, so that only the keys take memory.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use callgate_catalogue::wire::KEY_BYTES_MAX;
use serde_json::value::RawValue;

use super::keys::{Collector, Keys, VALUE_BYTES_MAX};
use super::quotes::Quotes;
use crate::settings::{self, Format};

/// The value of a key without one.
const TRUE: &str = "true";

/// The byte order mark that some editors write.
const BOM: &str = "\u{feff}";

/// Reads the keys of a file.
///
/// # Errors
/// What is wrong with it, in one sentence with the line.
pub(super) fn read(settings: &settings::File) -> Result<Keys, Unusable> {
    let path = &settings.path;
    let wrong = |what: &dyn fmt::Display| format!("{} {what}", path.display());
    let unreadable = |error: std::io::Error| Unusable::Unreadable(wrong(&format_args!("cannot be read ({error})")));
    // Looked at before it is opened: opening a named pipe waits for its other end.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(Unusable::Invalid(wrong(&"is not a file")));
    }
    let file = File::open(path).map_err(unreadable)?;
    let file = without_bom(BufReader::with_capacity(1 << 16, file)).map_err(unreadable)?;
    let mut keys = Collector::new(settings.keys_max);
    let read = match &settings.format {
        Format::Lines => lines(file, &mut keys),
        Format::Json => json(file, &mut keys),
        Format::Csv { key, value } => csv(Quotes::checked(file), key, value.as_deref(), &mut keys),
    };
    match read {
        Ok(()) => Ok(keys.finish()),
        Err(what) => Err(Unusable::Invalid(wrong(&format_args!("cannot be used: {what}")))),
    }
}

/// Why a file cannot be used, in one sentence.
pub(super) enum Unusable {
    /// It cannot be read now. Its permissions, or those of a folder above it, may be repaired without a change of the
    /// file.
    Unreadable(String),
    /// It has other contents than it should.
    Invalid(String),
}

impl Unusable {
    pub(super) fn why(self) -> String {
        match self {
            Self::Unreadable(why) | Self::Invalid(why) => why,
        }
    }
}

fn lines(mut file: impl BufRead, keys: &mut Collector) -> Result<(), String> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let at = |what: &dyn fmt::Display| format!("line {number}: {what}");
        let read = file.by_ref().take(KEY_BYTES_MAX as u64 + 2).read_until(b'\n', &mut line);
        if read.map_err(|error| at(&error))? == 0 {
            break;
        }
        let text = std::str::from_utf8(&line).map_err(|_| at(&"it is not UTF-8"))?;
        let key = text.trim();
        if key.len() > KEY_BYTES_MAX {
            return Err(at(&format_args!("the key has more than {KEY_BYTES_MAX} bytes")));
        }
        if !key.is_empty() && !key.starts_with('#') {
            keys.add(key, TRUE).map_err(|error| at(&error))?;
        }
    }
    Ok(())
}

/// The rest after a byte order mark, if there is one.
fn without_bom<R: BufRead>(mut file: R) -> std::io::Result<R> {
    if file.fill_buf()?.starts_with(BOM.as_bytes()) {
        file.consume(BOM.len());
    }
    Ok(file)
}

fn csv(file: impl Read, key: &str, value: Option<&str>, keys: &mut Collector) -> Result<(), String> {
    let mut rows = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let names = rows.headers().map_err(|error| error.to_string())?.clone();
    let column = |wanted: &str| {
        let found = names.iter().position(|name| name == wanted);
        found.ok_or_else(|| {
            let known = names.iter().collect::<Vec<_>>().join(", ");
            format!("there is no column `{wanted}`; its first line names these: {known}")
        })
    };
    let (key, value) = (column(key)?, value.map(column).transpose()?);
    let mut row = csv::StringRecord::new();
    while rows.read_record(&mut row).map_err(|error| error.to_string())? {
        let field = |column: usize| row.get(column).unwrap_or_default();
        let value = value.map(|value| callgate_catalogue::write::quoted(field(value)));
        if let Some(value) = &value {
            let line = row.position().map_or(0, csv::Position::line);
            usable(value).map_err(|why| format!("line {line}: the value {why}"))?;
        }
        if !field(key).is_empty() {
            keys.add(field(key), value.as_deref().unwrap_or(TRUE))?;
        }
    }
    Ok(())
}

fn json(file: impl Read, keys: &mut Collector) -> Result<(), String> {
    use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

    struct Into<'k>(&'k mut Collector);

    impl<'de> Visitor<'de> for Into<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of keys, or an object of keys and values")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
            while let Some(key) = list.next_element::<String>()? {
                self.0.add(&key, TRUE).map_err(de::Error::custom)?;
            }
            Ok(())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
            while let Some((key, value)) = members.next_entry::<String, Box<RawValue>>()? {
                usable(value.get()).map_err(|why| de::Error::custom(format!("the value of {key:?} {why}")))?;
                self.0.add(&key, value.get()).map_err(de::Error::custom)?;
            }
            Ok(())
        }
    }

    impl<'de> DeserializeSeed<'de> for Into<'_> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
            from.deserialize_any(self)
        }
    }

    let mut from = serde_json::Deserializer::from_reader(file);
    Into(keys).deserialize(&mut from).and_then(|()| from.end()).map_err(|error| error.to_string())
}

/// Checks that plugins can read a value.
fn usable(value: &str) -> Result<(), String> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(format!("has more than {VALUE_BYTES_MAX} bytes"));
    }
    // Half a surrogate pair, a number beyond all bounds, and too many levels are JSON by their form only.
    serde_json::from_str::<serde_json::Value>(value).map(drop).map_err(|error| {
        let error = error.to_string();
        format!("cannot be read: {}", error.split(" at line ").next().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str, format: Format) -> Result<Vec<(String, String)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        std::fs::write(&path, text).unwrap();
        let keys = read(&settings::File::new(path, format))
            .map_err(|it| it.why().rsplit("/keys ").next().unwrap().to_owned())?;
        let found =
            ["u1", "u2", "u3", "", "#u4"].into_iter().filter_map(|key| Some((key, keys.find(key)?.to_string())));
        Ok(found.map(|(key, value)| (key.to_owned(), value)).collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        Ok(pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
    }

    #[test]
    fn lines_are_keys() {
        let read = |text: &str| read_text(text, Format::Lines);
        assert_eq!(
            read("\u{feff}u1\r\n\n # comment\n u2 \nu3"),
            pairs(&[("u1", "true"), ("u2", "true"), ("u3", "true")])
        );
        assert_eq!(read(""), pairs(&[]));
        assert!(
            read(&format!("u1\n{}", "a".repeat(KEY_BYTES_MAX + 1))).unwrap_err().contains("line 2: the key has more")
        );
    }

    #[test]
    fn json_is_a_list_or_a_map() {
        let read = |text: &str| read_text(text, Format::Json);
        assert_eq!(read(r#"["u1","u2"]"#), pairs(&[("u1", "true"), ("u2", "true")]));
        assert_eq!(read(r#"{"u1":{"until":7},"u2":"x"}"#), pairs(&[("u1", r#"{"until":7}"#), ("u2", "\"x\"")]));
        assert_eq!(read("\u{feff}[\"u1\"]"), pairs(&[("u1", "true")]));
        // What no plugin could read.
        for value in [r#""\ud83d""#, "1e999", &"[".repeat(200), &format!("\"{}\"", "a".repeat(65_535))] {
            let value = if value.starts_with('[') { format!("{value}{}", "]".repeat(200)) } else { value.to_owned() };
            let error = read(&format!("{{\"u1\":{value}}}")).unwrap_err();
            assert!(error.contains("the value of \"u1\""), "{error}");
        }
        assert!(read(&format!("{{\"u1\":\"{}\"}}", "a".repeat(65_534))).is_ok());
        for wrong in ["", "7", r#"["u1",2]"#, "[]x", r#"{"u1":}"#] {
            assert!(read(wrong).unwrap_err().starts_with("cannot be used: "), "{wrong}");
        }
    }

    #[test]
    fn csv_has_columns_by_name() {
        let text = "reason,user\n\"rude, twice\",u1\nspam,u2\n,u3\n";
        let csv = |value: Option<&str>| Format::Csv { key: "user".to_owned(), value: value.map(str::to_owned) };
        let reasons = pairs(&[("u1", "\"rude, twice\""), ("u2", "\"spam\""), ("u3", "\"\"")]);
        assert_eq!(read_text(text, csv(Some("reason"))), reasons);
        assert_eq!(read_text(text, csv(None)), pairs(&[("u1", "true"), ("u2", "true"), ("u3", "true")]));
        let error = read_text(text, csv(Some("until"))).unwrap_err();
        assert!(error.contains("no column `until`") && error.contains("reason, user"), "{error}");
        assert!(read_text("user,a\nu1\n", csv(None)).unwrap_err().contains("line: 2"));
        // A quotation mark that is not closed would swallow the rest of the list.
        for (text, why) in [
            ("user,reason\nu1,\"spam\nu2,rude\n", "line 2"),
            ("user,reason\nu1,\"spam\nu2,\"rude\n", "line 3"),
            ("user,reason\nu1,5\" disk\n", "line 2"),
        ] {
            let error = read_text(text, csv(None)).unwrap_err();
            assert!(error.contains("quotation mark") && error.contains(why), "{error}");
        }
        for (bytes, is_short) in [(65_534, true), (65_535, false)] {
            for reason in ["a".repeat(bytes), format!("\"{}\"", "a".repeat(bytes))] {
                assert_eq!(read_text(&format!("user,reason\nu1,{reason}\n"), csv(Some("reason"))).is_ok(), is_short);
            }
        }
        let endless = format!("user,reason\nu1,\"{}", "u2,rude\n".repeat(100_000));
        assert!(read_text(&endless, csv(None)).unwrap_err().contains("the quotation mark of line 2 is not closed"));
        let quoted = "user,reason\r\n\"u1\",\"a \"\"b\"\"\nc, d\"\r\nu2,\"\"\r\n";
        assert_eq!(read_text(quoted, csv(None)), pairs(&[("u1", "true"), ("u2", "true")]));
    }

    #[test]
    fn a_path_that_is_not_a_file_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let read = |path| read(&settings::File::new(path, Format::Lines)).err().unwrap().why();
        assert!(read(folder.path().to_owned()).contains("is not a file"));
        #[cfg(unix)]
        {
            let pipe = folder.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            assert!(read(pipe).contains("is not a file"));
        }
        assert!(read(folder.path().join("none")).contains("cannot be read"));
    }
}
