//! "Did you mean": the known word that is nearest to a misspelt one.

/// The known word that is nearest to `word`; `None` if none is near.
///
/// ```
/// use callgate_terminal::nearest;
/// assert_eq!(nearest("fuel", ["memory", "fuel_per_call"].into_iter()), Some("fuel_per_call"));
/// assert_eq!(nearest("xyz", ["memory"].into_iter()), None);
/// ```
pub fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let scored = known.map(|known| {
        // `fuel` for `fuel_per_call`: a prefix or suffix of the right name is nearer than string similarity says.
        let piece = word.len() >= 3 && (known.starts_with(word) || known.ends_with(word));
        let likeness = strsim::jaro_winkler(&word.to_lowercase(), &known.to_lowercase());
        (if piece { likeness.max(0.9) } else { likeness }, known)
    });
    // Among equally near words the first: callers list the most important ones first.
    let nearest =
        scored.filter(|(likeness, _)| *likeness > 0.8).reduce(|best, next| if next.0 > best.0 { next } else { best });
    nearest.map(|(_, known)| known)
}
