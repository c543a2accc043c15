//! Finds how much of a string can be written without escapes in JSON. Used by the sdk to write strings, and by the host
//! to check them.

/// The number of bytes before the first one that JSON escapes: a quote, a backslash or a control character.
///
/// Most strings in a callback end after a few words of eight bytes. Longer ones are searched in chunks, which the
/// compiler vectorises.
#[must_use]
#[inline]
pub fn len(text: &[u8]) -> usize {
    const PIECE: usize = 128;
    const SHORT: usize = 64;
    let short = text.get(..SHORT).unwrap_or(text);
    let plain = len_in_words(short);
    if plain < short.len() || short.len() == text.len() {
        return plain;
    }
    let long = text.get(SHORT..).unwrap_or_default();
    let is_plain = |piece: &&[u8; PIECE]| !piece.iter().fold(false, |any, byte| any | is_escaped(*byte));
    let passed = SHORT + PIECE * long.as_chunks().0.iter().take_while(is_plain).count();
    passed + len_in_words(text.get(passed..).unwrap_or_default())
}

fn is_escaped(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

#[inline]
fn len_in_words(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    /// The upper bit of the first byte that is less than this one. Bits above it may be wrong, because that byte has
    /// borrowed; those below are not.
    const fn less(word: u64, byte: u8) -> u64 {
        word.wrapping_sub(ONES * byte as u64) & !word & (ONES * 0x80)
    }
    let (words, rest) = text.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found =
            less(word, b' ') | less(word ^ (ONES * u64::from(b'"')), 1) | less(word ^ (ONES * u64::from(b'\\')), 1);
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let in_words = text.len() - rest.len();
    in_words + rest.iter().position(|byte| is_escaped(*byte)).unwrap_or(rest.len())
}
