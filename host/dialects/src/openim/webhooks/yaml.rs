//! A YAML document as a tree with lines, as far as go-yaml v3 reads it: the first document, in which a key must not be
//! repeated, and with merged keys (`<<`).

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Maximum number of values in a document, aliases resolved. OpenIM's own file has 250.
const NODES_MAX: usize = 20_000;

/// A value, and the line that it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    /// A text, a number or a flag.
    Scalar {
        text: String,
        /// Whether it has no quotes.
        is_plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key, and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) line: usize,
    pub(super) text: String,
}

/// Why a document cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Error {
    /// The line, from 1.
    pub(super) line: usize,
    pub(super) message: String,
}

impl Node {
    /// The members of a map; none for other values.
    pub(super) fn members(&self) -> impl Iterator<Item = (&Key, &Node)> {
        let members: &[(Key, Node)] = match &self.value {
            Value::Map(members) => members,
            _ => &[],
        };
        members.iter().map(|(key, node)| (key, node))
    }

    /// The member of this name, in any letter case.
    pub(super) fn member(&self, name: &str) -> Option<&Node> {
        self.members().find(|(key, _)| key.text.eq_ignore_ascii_case(name)).map(|(_, node)| node)
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether it is a map, or nothing at all.
    pub(super) fn is_map_or_null(&self) -> bool {
        matches!(self.value, Value::Map(_) | Value::Null)
    }

    fn count(&self) -> usize {
        1 + match &self.value {
            Value::List(nodes) => nodes.iter().map(Node::count).sum::<usize>(),
            Value::Map(members) => members.iter().map(|(_, node)| node.count()).sum(),
            Value::Null | Value::Scalar { .. } => 0,
        }
    }
}

/// The members of the map that a document is.
///
/// # Errors
/// If it is not YAML, or something other than a map.
pub(super) fn parse(text: &str) -> Result<Vec<(Key, Node)>, Error> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| Error { line: error.marker().line(), message: error.info().to_owned() })?;
        if event == Event::DocumentEnd {
            break;
        }
        builder.take(event, span)?;
    }
    match builder.root {
        None => Ok(Vec::new()),
        Some(Node { value: Value::Null, .. }) => Ok(Vec::new()),
        Some(Node { value: Value::Map(members), .. }) => Ok(members),
        Some(Node { line, .. }) => Err(Error { line, message: "it is no map of keys and values".to_owned() }),
    }
}

/// A list or map that is not finished.
struct Open {
    node: Node,
    /// The key that waits for its value.
    key: Option<Key>,
    /// What `<<` brings in. The map's own keys come first, wherever they are.
    merged: Vec<Node>,
    anchor: usize,
}

impl Open {
    fn new(line: usize, value: Value, anchor: usize) -> Self {
        Self { node: Node { line, value }, key: None, merged: Vec::new(), anchor }
    }

    /// The finished value.
    fn close(mut self) -> Node {
        if let Value::Map(members) = &mut self.node.value {
            self.merged.into_iter().for_each(|node| merge(members, node));
        }
        self.node
    }
}

/// Puts events together.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    nodes: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Error> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let is_plain = style == ScalarStyle::Plain;
                let is_null = is_plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                let value = if is_null { Value::Null } else { Value::Scalar { text: text.into_owned(), is_plain } };
                self.add(Node { line, value }, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                self.open.push(Open::new(line, Value::List(Vec::new()), anchor));
                Ok(())
            }
            Event::MappingStart(anchor, _) => {
                self.open.push(Open::new(line, Value::Map(Vec::new()), anchor));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let anchor = open.anchor;
                    self.add(open.close(), anchor)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let value = node.map_or(Value::Null, |node| node.value);
                self.add(Node { line, value }, 0)
            }
            _ => Ok(()),
        }
    }

    /// Adds a finished value to what it is in.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Error> {
        let line = node.line;
        self.nodes += node.count();
        // Each value is counted once for each level around it, so this also bounds how deep they nest.
        if self.nodes > NODES_MAX {
            return Err(Error { line, message: format!("it has more than {NODES_MAX} values") });
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Value::List(nodes), _) => nodes.push(node),
            (Value::Map(_), Some(key)) if key.text == "<<" => open.merged.push(node),
            (Value::Map(members), Some(key)) => members.push((key, node)),
            (Value::Map(members), None) => {
                let text = node.text().unwrap_or_default().to_owned();
                if let Some((earlier, _)) = members.iter().find(|(key, _)| key.text == text) {
                    let message = format!("`{text}` is there twice, first on line {}", earlier.line);
                    return Err(Error { line, message });
                }
                open.key = Some(Key { line, text });
            }
            (Value::Null | Value::Scalar { .. }, _) => {}
        }
        Ok(())
    }
}

/// Adds the members of a map, or of several in a list, that are not there yet.
fn merge(members: &mut Vec<(Key, Node)>, node: Node) {
    match node.value {
        Value::List(nodes) => nodes.into_iter().for_each(|node| merge(members, node)),
        Value::Map(merged) => {
            for (key, node) in merged {
                if !members.iter().any(|(known, _)| known.text == key.text) {
                    members.push((key, node));
                }
            }
        }
        Value::Null | Value::Scalar { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree_with_lines() {
        let members = parse("# c\nurl: http://h\na: &x\n  enable: true\n  list: [1, '2-3']\nb: *x\nc:\n").unwrap();
        let lines: Vec<_> = members.iter().map(|(key, _)| (key.text.as_str(), key.line)).collect();
        assert_eq!(lines, [("url", 2), ("a", 3), ("b", 6), ("c", 7)]);
        let (a, b) = (&members[1].1, &members[2].1);
        assert_eq!(a.member("ENABLE").and_then(Node::text), Some("true"));
        assert_eq!(a.member("enable").map(|node| node.line), Some(4));
        assert_eq!(b.member("enable").and_then(Node::text), Some("true"));
        assert_eq!(members[3].1.value, Value::Null);
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("a: 1\n---\nb: 2\n").unwrap().len(), 1);
    }

    #[test]
    fn keys_are_merged_and_never_repeated() {
        let members = parse("d: &d {enable: true, timeout: 5}\na:\n  <<: *d\n  timeout: 3\n").unwrap();
        assert_eq!(members[1].1.member("enable").and_then(Node::text), Some("true"));
        let error = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(error, Error { line: 3, message: "`a` is there twice, first on line 1".to_owned() });
    }

    #[test]
    fn what_is_not_a_map_or_has_no_end_is_refused() {
        for (text, line) in [("- a\n", 1), ("text", 1), ("a:\n\tb: 1\n", 2), ("a: [1\nb: 2\n", 2)] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text:?}");
        }
        let bomb = (1..30).fold("a0: &a0 [x,x,x]\n".to_owned(), |text, number| {
            let before = number - 1;
            format!("{text}a{number}: &a{number} [*a{before},*a{before},*a{before}]\n")
        });
        assert!(parse(&bomb).unwrap_err().message.contains("more than"));
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
