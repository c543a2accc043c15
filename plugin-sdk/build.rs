//! Reduces tables of Unicode and of OpenCC to what `text` needs of them, when the crate is built.
//!
//! What a character reads as is one number per character, in blocks of 64 of which equal ones are kept once. Only the
//! features that are on contribute, so that a module carries no table that its plugin does not use.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a build that cannot go on stops")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/text/invisible.rs");
    println!("cargo::rerun-if-changed=src/text/letters");
    #[cfg(feature = "letters")]
    letters::write();
}

#[cfg(feature = "letters")]
mod letters {
    use std::collections::HashMap;
    use std::fmt::Write as _;

    use unicode_normalization::UnicodeNormalization as _;
    use unicode_normalization::char::is_combining_mark;

    include!("src/text/invisible.rs");
    include!("src/text/letters/kind.rs");
    #[cfg(feature = "words")]
    include!("src/text/letters/quick.rs");
    #[cfg(feature = "words")]
    include!("src/text/letters/script.rs");

    /// Beyond this, characters are ideographs that nothing here folds, or tags that do not show.
    const CHARACTERS: u32 = 0x2_0000;
    /// Chinese characters have a table of their own: most of them are no other character's variant.
    const IDEOGRAPHS: std::ops::Range<u32> = 0x4e00..0xa000;

    type Entry = (u32, u32, u32, Kind);

    pub fn write() {
        let mut several: Vec<String> = Vec::new();
        // The first entry is the letter that reads as itself.
        let mut entries: Vec<Entry> = vec![(0, 0, 0, Kind::Letter)];
        let mut numbers: HashMap<Entry, u16> = HashMap::from([(entries[0], 0)]);
        let mut blocks: Vec<[u16; 64]> = vec![[0; 64]];
        let mut known: HashMap<[u16; 64], u16> = HashMap::from([(blocks[0], 0)]);
        let mut index = Vec::new();
        for block in 0..CHARACTERS / 64 {
            let mut ids = [0; 64];
            for (at, id) in ids.iter_mut().enumerate() {
                let code = block * 64 + at as u32;
                let Some(c) = char::from_u32(code).filter(|_| !IDEOGRAPHS.contains(&code)) else { continue };
                let entry = match entry(c, &mut several) {
                    // Letters of rare scripts beyond the first 65 536 characters read as themselves.
                    (letter, class, _, _) if letter > 0xffff || class > 0xffff => (0, 0, 0, Kind::Letter),
                    entry => entry,
                };
                *id = *numbers.entry(entry).or_insert_with(|| {
                    entries.push(entry);
                    entries.len() as u16 - 1
                });
            }
            index.push(*known.entry(ids).or_insert_with(|| {
                blocks.push(ids);
                blocks.len() as u16 - 1
            }));
        }
        let mut out = String::new();
        let _ = writeln!(out, "static INDEX: [u16; {}] = {index:?};", index.len());
        let blocks = blocks.concat();
        let _ = writeln!(out, "static BLOCKS: [u16; {}] = {blocks:?};", blocks.len());
        let _ = write!(out, "static ENTRIES: [Entry; {}] = [", entries.len());
        for (letter, class, other, kind) in &entries {
            let _ = write!(out, "Entry({letter},{class},{other},Kind::{kind:?}),");
        }
        let _ = writeln!(out, "];\nstatic SEVERAL: [&str; {}] = {several:?};", several.len());
        ascii(&mut out, &mut several);
        chinese(&mut out);
        #[cfg(feature = "words")]
        quick(&mut out, &mut several);
        let folder = std::env::var_os("OUT_DIR").expect("cargo sets it");
        std::fs::write(std::path::Path::new(&folder).join("letters.rs"), out).expect("the folder can be written to");
    }

    /// The characters that most texts consist of, ready to be returned.
    fn ascii(out: &mut String, several: &mut Vec<String>) {
        let _ = write!(out, "static ASCII: [Letter; 128] = [");
        for c in '\0'..='\u{7f}' {
            let (letter, class, _, kind) = entry(c, several);
            let of = |code: u32| char::from_u32(code).filter(|code| *code != '\0').unwrap_or(c);
            let (letter, class) = (of(letter), of(class));
            let _ =
                write!(out, "Letter {{ kind: Kind::{kind:?}, letter: {letter:?}, class: {class:?}, shown: None }},");
        }
        let _ = writeln!(out, "];");
    }

    /// The tables of the fast path: characters of one or two bytes.
    #[cfg(feature = "words")]
    fn quick(out: &mut String, several: &mut Vec<String>) {
        let short: Vec<u32> = (0..0x800).map(|code| quick_of(code, several)).collect();
        let _ = writeln!(out, "static QUICK: [u32; {}] = {short:?};", short.len());
        let symbols: Vec<u8> = short.iter().map(|quick| symbol(*quick)).collect();
        let _ = writeln!(out, "static ASCII_SYMBOLS: [u8; 128] = {:?};", &symbols[..128]);
        // Indexed by their bytes, the second one first.
        let symbols: Vec<u8> = (0..0x800).map(|at| symbols[(at & 0x1f) << 6 | at >> 5]).collect();
        let _ = writeln!(out, "static SYMBOLS: [u8; {}] = {symbols:?};", symbols.len());
    }

    /// What a search compares first.
    #[cfg(feature = "words")]
    fn symbol(quick: u32) -> u8 {
        const LETTER: u32 = Quick::Letter as u32;
        const JOINED: u32 = Quick::Joined as u32;
        const NOTHING: u32 = Quick::Nothing as u32;
        const SPACE: u32 = Quick::Space as u32;
        const CLAUSE: u32 = Quick::Clause as u32;
        const SIGN: u32 = Quick::Sign as u32;
        match quick >> 24 {
            LETTER | JOINED => symbol_of(quick & 0xff_ffff),
            NOTHING => 0,
            SPACE => b' ',
            CLAUSE | SIGN => b'.',
            _ => ODD,
        }
    }

    /// The class of a letter, with its kind in the higher bits.
    #[cfg(feature = "words")]
    fn quick_of(code: u32, several: &mut Vec<String>) -> u32 {
        let Some(c) = char::from_u32(code) else { return 0 };
        let (letter, class, shown, kind) = entry(c, several);
        let of = |code: u32| if code == 0 { c } else { char::from_u32(code).unwrap_or(c) };
        let (letter, class) = (of(letter), of(class));
        let has_class = shown == 0 && is_spaced(class) && is_spaced(letter) && letter.is_alphabetic();
        let quick = match kind {
            Kind::Letter | Kind::Accented if is_symbol(c) => Quick::Other,
            Kind::Letter if has_class && is_arabic(c) && is_joined(letter) => Quick::Joined,
            Kind::Letter | Kind::Accented if has_class => Quick::Letter,
            Kind::Mark | Kind::Invisible => Quick::Nothing,
            Kind::Space => Quick::Space,
            Kind::Clause if leet(letter).is_empty() && class == c => Quick::Clause,
            Kind::Sign if leet(letter).is_empty() && class == c => Quick::Sign,
            _ => Quick::Other,
        };
        (quick as u32) << 24 | class as u32
    }

    /// Letters that form Arabic's articles and prepositions.
    #[cfg(feature = "words")]
    const fn is_joined(letter: char) -> bool {
        matches!(letter, 'و' | 'ف' | 'ب' | 'ك' | 'ل' | 'س' | 'ا')
    }

    /// Simplified characters, for those that are traditional: a bit each, and the values of the bits that are set.
    fn chinese(out: &mut String) {
        let (mut bits, mut ranks, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for block in IDEOGRAPHS.step_by(64) {
            ranks.push(values.len() as u16);
            let mut here = 0_u64;
            for at in 0..64 {
                let Some(c) = char::from_u32(block + at) else { continue };
                let simple = simplified(c);
                if simple != c && (simple as u32) < 0x1_0000 {
                    here |= 1 << at;
                    values.push(simple as u32 as u16);
                }
            }
            bits.push(here);
        }
        let _ = writeln!(out, "static TRADITIONAL: [u64; {}] = {bits:?};", bits.len());
        let _ = writeln!(out, "static RANKS: [u16; {}] = {ranks:?};", ranks.len());
        let _ = writeln!(out, "static SIMPLIFIED: [u16; {}] = {values:?};", values.len());
    }

    #[cfg(feature = "chinese")]
    fn simplified(c: char) -> char {
        use std::sync::OnceLock;

        use ferrous_opencc::OpenCC;
        use ferrous_opencc::config::BuiltinConfig;

        static OPENCC: OnceLock<OpenCC> = OnceLock::new();
        let opencc = OPENCC.get_or_init(|| OpenCC::from_config(BuiltinConfig::T2s).expect("it is built in"));
        let simple = opencc.convert(&c.to_string());
        only(&simple).unwrap_or(c)
    }

    #[cfg(not(feature = "chinese"))]
    fn simplified(c: char) -> char {
        c
    }

    fn only(text: &str) -> Option<char> {
        let mut chars = text.chars();
        chars.next().filter(|_| chars.next().is_none())
    }

    fn entry(c: char, several: &mut Vec<String>) -> Entry {
        // 0 is the character itself.
        let plain = |kind| (0, 0, 0, kind);
        if is_filler(c) {
            return (' ' as u32, ' ' as u32, 0, Kind::Space);
        }
        if is_invisible(c) || c.is_control() && !is_space(c) {
            return plain(Kind::Invisible);
        }
        if is_beside(c) {
            return plain(Kind::Mark);
        }
        // Modifier letters that are drawn like quotation marks, arrows and tones.
        if matches!(c, '\u{2b9}'..='\u{2df}' | '\u{2e5}'..='\u{2ff}') {
            return plain(Kind::Sign);
        }
        // Their decomposition is no matter of accents.
        if is_combining_mark(c) || matches!(c, '\u{3041}'..='\u{30ff}' | '\u{ac00}'..='\u{d7a3}') {
            return (0, 0, 0, Kind::Letter);
        }
        if is_space(c) {
            return (' ' as u32, ' ' as u32, 0, Kind::Space);
        }
        let compatible = compatible(c);
        let Some(first) = compatible.chars().next() else { return plain(Kind::Mark) };
        if first.is_whitespace() {
            return plain(Kind::Sign);
        }
        let lower = compatible.to_lowercase();
        let composed: String = lower.nfc().collect();
        let stripped: String = lower.nfd().filter(|c| !is_combining_mark(*c)).collect();
        let stripped = if stripped == "ß" { "ss".to_owned() } else { stripped };
        match (only(&composed), only(&stripped)) {
            (composed, Some(base)) => letter(c, composed.unwrap_or(base), base),
            (_, None) if stripped.chars().all(char::is_alphanumeric) => {
                let id = several.iter().position(|known| *known == stripped).unwrap_or_else(|| {
                    several.push(stripped.clone());
                    several.len() - 1
                });
                // So that the number is not taken for the character itself.
                (id as u32 + 1, 0, 0, Kind::Several)
            }
            _ => plain(Kind::Sign),
        }
    }

    /// Marks that can be added to any letter, or left out, without making it another letter: those of Latin, Greek,
    /// Cyrillic, Hebrew, Syriac, N'Ko and Arabic, Arabic's line between letters, tones of chants, and the skin colours
    /// of emoji. The vowels of Indian scripts are marks too, and are not here.
    fn is_beside(c: char) -> bool {
        matches!(c as u32, 0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x5bf | 0x5c1..=0x5c7 | 0x610..=0x61a | 0x640
            | 0x64b..=0x65f | 0x670 | 0x6d6..=0x6dc | 0x6df..=0x6e8 | 0x6ea..=0x6ed | 0x740..=0x74a | 0x7eb..=0x7f3
            | 0x898..=0x89f | 0x8ca..=0x8ff | 0x1ab0..=0x1aff | 0x1cd0..=0x1cd2 | 0x1cd4..=0x1ce8 | 0x1dc0..=0x1dff
            | 0x20d0..=0x20ff | 0x2cef..=0x2cf1 | 0x2de0..=0x2dff | 0x302a..=0x302d | 0xa66f..=0xa672 | 0xa674..=0xa67d
            | 0xa69e..=0xa69f | 0xa8e0..=0xa8f1 | 0xfe20..=0xfe2f | 0x1d165..=0x1d169 | 0x1d16d..=0x1d172 | 0x1f3fb..=0x1f3ff)
    }

    fn letter(c: char, composed: char, base: char) -> Entry {
        if base.is_ascii_digit() {
            return (base as u32, base as u32, 0, Kind::Digit);
        }
        if let Some(digit) = digit(base) {
            return (digit as u32, digit as u32, 0, Kind::Digit);
        }
        if let Some(like) = drawn(base) {
            return (if base == c { 0 } else { base as u32 }, like as u32, 0, Kind::Letter);
        }
        if !base.is_alphanumeric() {
            let of = if base == c { 0 } else { base as u32 };
            return (of, of, 0, sign(c, base));
        }
        let composed = simplified(spelling(composed));
        let base = simplified(spelling(base));
        // Accents do not count in the class, even where the feature that folds them is off: look-alikes fold anyway.
        let class = class(base);
        // A capital can look like another letter than the small one does: the Greek Ν.
        let shown = class_of_shown(c).filter(|other| *other != class).map_or(0, u32::from);
        let accented = composed != base || stroked(composed, class);
        if cfg!(not(feature = "look-alikes")) && !accented {
            return if composed == c {
                (0, 0, 0, Kind::Letter)
            } else {
                (composed as u32, composed as u32, 0, Kind::Letter)
            };
        }
        if composed == c && class == c && shown == 0 && !accented {
            return (0, 0, 0, Kind::Letter);
        }
        (composed as u32, class as u32, shown, if accented { Kind::Accented } else { Kind::Letter })
    }

    /// Letters that are another one with a stroke through it, which is no mark of its own in Unicode: ø, ł.
    fn stroked(composed: char, class: char) -> bool {
        class.is_ascii_lowercase()
            && !composed.is_ascii()
            && ('\u{c0}'..='\u{24f}').contains(&composed)
            && composed != 'ı'
    }

    /// One form for letters that people do not tell apart when they write.
    fn spelling(c: char) -> char {
        match c {
            'ё' => 'е',
            'آ' | 'أ' | 'إ' | 'ٱ' => 'ا',
            'ى' | 'ی' | 'ئ' => 'ي',
            'ة' | 'ہ' | 'ۀ' | 'ە' => 'ه',
            'ک' | 'ڪ' => 'ك',
            'ؤ' => 'و',
            'ς' => 'σ',
            _ => c,
        }
    }

    #[cfg(feature = "compatibility")]
    fn compatible(c: char) -> String {
        // Letters in circles and squares that Unicode does not derive from letters, and those in brackets.
        const ALPHABETS: [u32; 6] = [0x249c, 0x1f110, 0x1f130, 0x1f150, 0x1f170, 0x1f1e6];
        let code = c as u32;
        match ALPHABETS.iter().find(|first| (**first..**first + 26).contains(&code)) {
            Some(first) => char::from_u32('a' as u32 + code - first).unwrap_or(c).to_string(),
            None => std::iter::once(c).nfkc().collect(),
        }
    }

    #[cfg(not(feature = "compatibility"))]
    fn compatible(c: char) -> String {
        match c as u32 {
            code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c).to_string(),
            _ => c.to_string(),
        }
    }

    /// Letters with hooks, tails and strokes, each before the letter that it looks like. Unicode's table does not have
    /// them, or has two letters or another one with a mark.
    #[cfg(feature = "look-alikes")]
    const HOOKED: &str = "ƈcȡdȵnȶtȿsɀzɋqɕcɱmʈtʉuʑzʝjᵬbᵭdᵯmᵱpᵳrᶀbᶁdᶂfᶄkᶆmᶇnᶈpᶉrᶊsᶍxᶎzᶏaᶑdᶒeᶖiᶙuⱥaⱦtⱨhⱪkⱱvⱳwⱴvⱺoꝁkꝃkꝅkꝑpꝓpꝕpꝗqꝙqꝟvꞑnꞓcꞔcꞗbꞡgꞣkꞥnꞧrꞩs";

    /// Letters of other alphabets and signs that generators of fancy texts write for Latin letters, each before that
    /// letter, where Unicode's table has none or another one.
    #[cfg(feature = "look-alikes")]
    const FANCY: &str = "\
        ᗩaᗅaᗷbᗽbᑢcᑕcᗪdᕲdᘿeᗴeᕮeᖴfᘜgᕼhᓰiᒍjᒚjᒪiᗰmᘻmᑎnᘉnᓍoᑭpᕵpᑫqᕴqᖇrᔕsᖶtᑌuᘮuᑘuᐯvᐺvᗯwᘺw᙭xᖻyᘔzᗱz\
        ცbɛeɧhɬtⱡiꮖiყyӿx∂d∩n⋂n\
        ₳a₿b₡c₢c₵c₫d₣f₲g₭k₥m₦n₱p₽p₴s₮t₸t₩w";

    /// What a letter looks like, by Unicode's table of confusables; i, l and 1 are one class, and so are 0 and o.
    #[cfg(feature = "look-alikes")]
    fn class(base: char) -> char {
        // Unicode's table takes letters of these scripts apart into dots and strokes, by which they differ.
        if matches!(base as u32, 0x590..=0x109f) {
            return base;
        }
        if let Some(plain) = paired(HOOKED, base).or_else(|| paired(FANCY, base)) {
            return plain;
        }
        let skeleton: String = prototype(base);
        match only(&skeleton) {
            Some(like) if !like.is_ascii_digit() || matches!(like, '0' | '1') => merged(like, base),
            _ => base,
        }
    }

    #[cfg(not(feature = "look-alikes"))]
    fn class(base: char) -> char {
        base
    }

    /// The character after this letter, in a list of pairs.
    #[cfg(feature = "look-alikes")]
    fn paired(pairs: &str, letter: char) -> Option<char> {
        let mut pairs = pairs.chars();
        while let (Some(first), Some(second)) = (pairs.next(), pairs.next()) {
            if first == letter {
                return Some(second);
            }
        }
        None
    }

    /// The letter that a sign looks like: `℮`, `₦`, `᙭`. Only blocks of signs that are rare next to letters: not `×`.
    /// No sign stands for `i`: a vertical stroke ends sentences in Hindi.
    #[cfg(feature = "look-alikes")]
    fn drawn(sign: char) -> Option<char> {
        let is_sign =
            matches!(sign as u32, 0x166d | 0x20a0..=0x20c0 | 0x2100..=0x2bff | 0x1d200..=0x1d24f | 0x1f700..=0x1f77f);
        let like = if is_sign && !sign.is_alphanumeric() { class(sign) } else { sign };
        Some(like).filter(|like| *like != sign && *like != 'i' && like.is_ascii_lowercase())
    }

    #[cfg(not(feature = "look-alikes"))]
    fn drawn(_: char) -> Option<char> {
        None
    }

    #[cfg(feature = "look-alikes")]
    fn prototype(c: char) -> String {
        let text = c.to_string();
        unicode_security::skeleton(&text)
            .flat_map(char::to_lowercase)
            .nfd()
            .filter(|c| !is_combining_mark(*c))
            .collect()
    }

    /// Small capitals look like capitals, which is what some letters of other alphabets are compared with.
    #[cfg(feature = "look-alikes")]
    fn merged(like: char, base: char) -> char {
        const SMALL_CAPITALS: &str = "ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkĸkʟiᴍmʍmɴnᴏoᴘpʀrꜱsᴛtᴜuᴠvᴡwʏyᴢz";
        if let Some(plain) = paired(SMALL_CAPITALS, like) {
            return plain;
        }
        match like {
            'l' | '1' | '|' | 'ı' | 'ɩ' => 'i',
            '0' => 'o',
            // Alike enough for people, if not for Unicode's table.
            'α' => 'a',
            'ß' | 'β' => 'b',
            'ε' => 'e',
            'η' | 'п' => 'n',
            'г' => 'r',
            'χ' | 'ꭓ' => 'x',
            'ω' | 'ш' | 'щ' => 'w',
            'γ' | 'ɣ' => 'y',
            like if like.is_alphanumeric() => like,
            _ => base,
        }
    }

    #[cfg(feature = "look-alikes")]
    fn class_of_shown(c: char) -> Option<char> {
        if !c.is_uppercase() || c.is_ascii() {
            return None;
        }
        only(&prototype(c)).filter(char::is_ascii_lowercase).map(|like| merged(like, like))
    }

    #[cfg(not(feature = "look-alikes"))]
    fn class_of_shown(_: char) -> Option<char> {
        None
    }

    /// Digits of other scripts, ten in a row each.
    fn digit(c: char) -> Option<char> {
        const ZEROS: [char; 8] = ['٠', '۰', '०', '০', '๐', '\u{17e0}', '\u{1040}', '\u{ff10}'];
        let code = c as u32;
        let zero = ZEROS.iter().find(|zero| (**zero as u32..**zero as u32 + 10).contains(&code))?;
        char::from_digit(code - *zero as u32, 10)
    }

    fn sign(c: char, base: char) -> Kind {
        const CLAUSE: &str = ",.!?;:，。！？；：،؛؟…";
        match c as u32 {
            _ if CLAUSE.contains(c) && !matches!(c, '.') || base != '.' && CLAUSE.contains(base) => Kind::Clause,
            0x2300..=0x23ff | 0x2600..=0x27bf | 0x2b00..=0x2bff | 0x1f000..=0x1faff | 0x3030 | 0x303d => Kind::Emoji,
            _ => Kind::Sign,
        }
    }
}
