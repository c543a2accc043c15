//! The ends of domains under which most sites are.

/// Whether a domain with this end is a link without `www.` before or `/` after it: an end under which most sites are,
/// other than those that are a file's ending or a common word.
pub(super) fn is_known_end(label: &[u8]) -> bool {
    matches!(
        label,
        b"com"
            | b"net"
            | b"org"
            | b"info"
            | b"biz"
            | b"shop"
            | b"site"
            | b"online"
            | b"club"
            | b"vip"
            | b"xyz"
            | b"top"
            | b"app"
            | b"store"
            | b"live"
            | b"link"
            | b"click"
            | b"icu"
            | b"cc"
            | b"tv"
            | b"cn"
            | b"de"
            | b"tr"
            | b"uk"
            | b"ru"
            | b"jp"
            | b"kr"
            | b"fr"
            | b"eu"
            | b"br"
            | b"hk"
            | b"tw"
            | b"sa"
            | b"ae"
            | b"eg"
            | b"io"
            | b"ly"
    ) || label.starts_with(b"xn--")
}

/// Whether an address with this end is a link if a path follows, even within a path: `/t.me/name`.
pub(super) fn is_known_before_path(label: &[u8]) -> bool {
    is_known_end(label) || matches!(label, b"me" | b"gg" | b"co" | b"am" | b"im" | b"us" | b"to" | b"la")
}

/// Whether a known end is a word or an abbreviation too, with which a sentence can begin.
pub(super) fn is_word(label: &[u8]) -> bool {
    is_word_of_code(label)
        || matches!(
            label,
            b"site"
                | b"online"
                | b"club"
                | b"vip"
                | b"de"
                | b"tr"
                | b"fr"
                | b"eu"
                | b"br"
                | b"sa"
                | b"ae"
                | b"eg"
                | b"io"
        )
}

/// Whether a known end is often the name of a function.
pub(super) fn is_word_of_code(label: &[u8]) -> bool {
    matches!(label, b"info" | b"shop" | b"top" | b"app" | b"store" | b"live" | b"link" | b"click")
}

/// The same as [`is_known_end`] for ends in other alphabets, as [`Line`] reads them, without common words.
pub(super) const fn is_international_end(label: &[char]) -> bool {
    matches!(
        label,
        ['р', 'ф']
            | ['б', 'г']
            | ['е', 'ю']
            | ['中', '国']
            | ['公', '司']
            | ['网', '络']
            | ['网', '址']
            | ['网', '站']
            | ['在', '线']
            | ['商', '城']
            | ['集', '团']
            | ['コ', 'ム']
            | ['한', '국']
            | ['닷', '컴']
            | ['닷', '넷']
            | ['ε', 'λ']
            | ['р', 'у', 'с']
            | ['о', 'р', 'г']
            | ['к', 'о', 'м']
            | ['у', 'к', 'р']
            | ['б', 'е', 'л']
            | ['с', 'р', 'б']
            | ['м', 'к', 'д']
            | ['қ', 'а', 'з']
            | ['中', '文', '网']
            | ['我', '爱', '你']
            | ['ไ', 'ท', 'ย']
            | ['م', 'ص', 'ر']
            | ['ק', 'ו', 'ם']
            | ['ش', 'ب', 'ك', 'ه']
            | ['م', 'و', 'ق', 'ع']
            | ['ا', 'م', 'ا', 'ر', 'ا', 'ت']
            | ['ا', 'ل', 'س', 'ع', 'و', 'د', 'ي', 'ه']
    )
}

/// Longest of these, in characters.
pub(super) const INTERNATIONAL_END_CHARS_MAX: usize = 8;

/// Whether one of these begins with this letter.
pub(super) const fn begins_international_end(letter: char) -> bool {
    matches!(
        letter,
        'р' | 'б'
            | 'е'
            | 'о'
            | 'к'
            | 'у'
            | 'с'
            | 'м'
            | 'қ'
            | 'ε'
            | 'ק'
            | 'ا'
            | 'م'
            | 'ش'
            | '中'
            | '公'
            | '网'
            | '在'
            | '商'
            | '集'
            | '我'
            | 'コ'
            | '한'
            | '닷'
            | 'ไ'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_known_by_their_first_letters() {
        for end in "рф бг ею 中国 公司 网络 网址 网站 在线 商城 集团 コム 한국 닷컴 닷넷 ελ рус орг ком укр бел срб мкд қаз 中文网 我爱你 ไทย مصر קום شبكه موقع امارات السعوديه".split(' ') {
            let letters: Vec<char> = end.chars().collect();
            assert!(is_international_end(&letters) && begins_international_end(letters[0]), "{end}");
        }
        assert!(!is_international_end(&['р']) && !begins_international_end('п'));
    }
}
