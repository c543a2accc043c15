//! Matches names against patterns with `*`, as used in settings.

/// Whether `pattern` matches `name`: `*` matches any text, including none.
///
/// ```
/// use callgate_catalogue::wildcard::matches;
/// assert!(matches("*", "") && matches("a.*", "a.b") && matches("*b*", "abc") && matches("a", "a"));
/// assert!(!matches("a.*", "a") && !matches("", "a") && !matches("a*a", "a"));
/// ```
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}
