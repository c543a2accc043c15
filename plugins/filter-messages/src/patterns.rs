//! Links, e-mail addresses, phone numbers and other long numbers.
//!
//! Each candidate is checked as what it claims to be: a decimal fraction, a date, a price or a range of years is no
//! phone number, and a full stop without a space after it makes no link. A symbol beside (a flag, `①`, `™`) is no part
//! of it, unless all of it is written in symbols.

mod email;
mod ends;
mod host;
mod line;
mod number;
mod phone;
mod web;

use std::cell::OnceCell;
use std::ops::Range;

use line::{AT, DIGIT, Line, STOP};

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// `https://example.com/a`, `www.example.com`, `example.com`, `t.me/a`.
    Link,
    /// `user@example.com`.
    Email,
    /// `+49 30 1234567`, `13812345678`, `(212) 555-0123`.
    Phone,
    /// Digits in a row that are no fraction, no price and no date.
    Number {
        /// Fewest digits.
        digits_min: usize,
    },
}

/// A text that is read once for all patterns.
pub(crate) struct Reading<'t> {
    line: Line<'t>,
    /// Once they are asked for: links are looked for beside them.
    addresses: OnceCell<Vec<Range<usize>>>,
}

impl<'t> Reading<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { line: Line::new(text), addresses: OnceCell::new() }
    }

    fn addresses(&self) -> &[Range<usize>] {
        if self.line.has(AT) { self.addresses.get_or_init(|| email::addresses(&self.line)) } else { &[] }
    }
}

impl Pattern {
    /// Where it occurs in a text, in bytes: the first places, at most `places_max`.
    pub(crate) fn find(self, text: &Reading<'_>, places_max: usize) -> Vec<Range<usize>> {
        let line = &text.line;
        let mut places = match self {
            Self::Link if line.has(STOP) => web::links(line, text.addresses(), places_max),
            Self::Email => text.addresses().iter().take(places_max).map(|part| line.bytes(part.clone())).collect(),
            Self::Phone if line.has(DIGIT) => phone::phones(line, places_max),
            Self::Number { digits_min } if line.has(DIGIT) => number::numbers(line, digits_min, places_max),
            _ => Vec::new(),
        };
        places.truncate(places_max);
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: Pattern, text: &str) -> Vec<&str> {
        pattern.find(&Reading::new(text), usize::MAX).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn links_have_a_known_end_a_path_or_a_scheme() {
        for (text, link) in [
            ("see https://example.com/a?b=1, please", "https://example.com/a?b=1"),
            ("HTTP://EXAMPLE.COM", "HTTP://EXAMPLE.COM"),
            ("www.example.de!", "www.example.de"),
            ("buy at shop.example.com.", "shop.example.com"),
            ("join t.me/free_money", "t.me/free_money"),
            ("加我 example.cn 吧", "example.cn"),
            ("ｅｘａｍｐｌｅ．ｃｏｍ", "ｅｘａｍｐｌｅ．ｃｏｍ"),
            ("http://192.168.0.1/x", "http://192.168.0.1/x"),
            ("exam\u{200b}ple.com", "exam\u{200b}ple.com"),
            ("\u{200b}😀www.example.com免费", "www.example.com"),
            ("ab\u{200b}cd é www.example.com", "www.example.com"),
            ("\u{1}www.example.com", "www.example.com"),
            ("https://münchen.de/a", "https://münchen.de/a"),
            ("see münchen.de", "münchen.de"),
            ("加我example.cn吧", "example.cn"),
            ("https://пример.рф/x", "https://пример.рф/x"),
            ("hTTps://例え.テスト/a", "hTTps://例え.テスト/a"),
            ("访问 http://例子.中国。", "http://例子.中国"),
            ("访问例子.中国。", "访问例子.中国"),
            ("fuß.com", "fuß.com"),
            ("oﬃce.рф", "oﬃce.рф"),
            ("x㎏.com", "x㎏.com"),
            ("go to example.рф!", "example.рф"),
            ("пример.рф", "пример.рф"),
            ("на сайте пример.com/a,", "пример.com/a"),
            ("例子.中国", "例子.中国"),
            ("例子.com", "例子.com"),
            ("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
            ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
            ("http://localhost/", "http://localhost/"),
            ("HTTP://Intranet:8080/a.", "HTTP://Intranet:8080/a"),
            ("http://user:pass@example.com/", "http://user:pass@example.com/"),
            ("hxxp://example.com", "example.com"),
            ("foo://example.com", "example.com"),
            ("tg://example.com", "example.com"),
            ("//example.com", "example.com"),
            ("/example.com", "example.com"),
            ("http:/example.com", "example.com"),
            ("http//example.com", "example.com"),
            ("hxxp://example.zz/a", "example.zz/a"),
            ("_example.com_", "example.com"),
            ("+example.com", "example.com"),
        ] {
            assert_eq!(found(Pattern::Link, text), [link], "{text}");
        }
    }

    #[test]
    fn what_is_written_before_a_link_does_not_hide_it() {
        for (text, link) in [
            ("look...example.com", "example.com"),
            ("look…example.com", "example.com"),
            ("example.com...look", "example.com"),
            (".example.com", "example.com"),
            ("-example.com", "example.com"),
            ("--example.com/a", "example.com/a"),
            ("é-example.com", "é-example.com"),
            ("é.example.com", "é.example.com"),
            ("смотри...пример.рф", "пример.рф"),
            ("-пример.com", "пример.com"),
            ("x-.example.com", "example.com"),
            ("x-.пример.рф", "пример.рф"),
            (".-.--example.com", "example.com"),
            ("http://a-..example.com", "http://a-..example.com"),
            ("www.-example.com", "example.com"),
            ("example｡com", "example｡com"),
            ("好。example.com", "example.com"),
            ("xhttps://localhost/a", "https://localhost/a"),
            ("look...http://localhost/a", "http://localhost/a"),
        ] {
            assert_eq!(found(Pattern::Link, text), [link], "{text}");
        }
        for text in ["look...com", "...", ".-.", "user@-example.com", "user@.example.com", "xhttps://", "ｿｳ｡ﾈ"]
        {
            assert_eq!(found(Pattern::Link, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn a_label_has_63_characters_at_most() {
        let host = |letters: usize| format!("{}.com", "п".repeat(letters));
        assert_eq!(found(Pattern::Link, &host(63)), [host(63)]);
        assert_eq!(found(Pattern::Link, &host(64)), Vec::<&str>::new());
        assert_eq!(found(Pattern::Link, &format!("{}.example.com", "x".repeat(64))), ["example.com"]);
        let labels = "a.".repeat(125);
        assert_eq!(found(Pattern::Link, &format!("{labels}com")), [format!("{labels}com")], "253 characters");
        assert_eq!(found(Pattern::Link, &format!("b.{labels}com")), [format!("{labels}com")], "a host ends them");
    }

    #[test]
    fn a_text_in_which_every_other_letter_begins_a_host_is_read_once() {
        for unit in ["éa", "a-é", "é-a.a"] {
            assert_eq!(found(Pattern::Link, &unit.repeat(20_000)), Vec::<&str>::new(), "{unit}");
        }
        // Each of these links could go on to the end of the text, but for the full stop of Chinese.
        assert_eq!(found(Pattern::Link, &"①。http://".repeat(20_000)).len(), 10_000);
        // A sentence ends after a link.
        assert_eq!(found(Pattern::Link, "пример.рф. Это"), ["пример.рф"]);
        assert_eq!(found(Pattern::Link, &"пример.рф. ".repeat(3)), ["пример.рф"; 3]);
    }

    #[test]
    fn full_stops_and_slashes_make_no_link() {
        for text in [
            "3.14159",
            "end.Then",
            "e.g. this",
            "main.rs",
            "README.md",
            "12.30 Uhr",
            "and/or",
            "user.name@",
            "a..com",
            "1.2.3",
            ".com",
            "http://",
            "i.e.",
            "user@example.com",
            "user@пример.рф",
            "user@münchen.de",
            "v1.com2",
            "v1.2.3",
            "e.g.this",
            "10:30",
            "report.final.docx",
            "src/patterns/web.rs",
            "node_modules/vue.js/dist",
            "../a.b/c",
            "my_tool.app",
            "https:// is safe",
            "http and https",
            "http://, https://",
            "a//b",
            "// a comment.",
            "1//2",
            "今天很好。我们走吧。",
            "我在公司。在线",
            "很好。live",
            "好的.我们走吧.",
            "价格是3.14元。好",
            "学习.NET",
            "Это всё.Потом",
            "т.д./т.п.",
            "стр.5",
            "Das war's.Übrigens",
            "TCP/Socket.io",
            "TCP/IP",
            "km/h",
            "هذا جيد.شكرا",
        ] {
            assert_eq!(found(Pattern::Link, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn addresses_need_a_user_and_a_domain() {
        for (text, address) in [
            ("write to user.name+tag@example.com.", "user.name+tag@example.com"),
            ("U_1@mail.example.co.uk", "U_1@mail.example.co.uk"),
            ("邮箱:abc@qq.com吧", "abc@qq.com"),
        ] {
            assert_eq!(found(Pattern::Email, text), [address], "{text}");
        }
        for text in [
            "user.name@",
            "@example.com",
            "a@b",
            "user@localhost",
            "@all hi",
            "5 @ 3.50",
            "a@1.2",
            "..@example.com",
            "hi @t.me/x",
            "hi, @example.com",
            "用户 @example.com",
            "a@b.c",
            "@@@",
            "https://@example.com",
            "user@всё.потом",
        ] {
            assert_eq!(found(Pattern::Email, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn addresses_have_letters_of_any_alphabet() {
        for (text, address) in [
            ("mail josé@example.com", "josé@example.com"),
            ("用户@qq.com", "用户@qq.com"),
            ("邮箱abc@qq.com吧", "abc@qq.com"),
            ("user@münchen.de", "user@münchen.de"),
            ("user@münchen.at", "user@münchen.at"),
            ("user@пример.рф.", "user@пример.рф"),
            ("user@пример.рф.Это", "user@пример.рф"),
            ("bob@пример.com", "bob@пример.com"),
            ("user@例子.中国。好", "user@例子.中国"),
        ] {
            assert_eq!(found(Pattern::Email, text), [address], "{text}");
            assert_eq!(found(Pattern::Link, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn signs_beside_an_address_do_not_hide_it() {
        for (text, address) in [
            ("\"user\"@example.com", "user\"@example.com"),
            ("user!@example.com", "user!@example.com"),
            ("a*@example.com", "a*@example.com"),
            ("user.@example.com", "user.@example.com"),
            ("(user)@example.com", "user)@example.com"),
            ("user@@example.com", "user@@example.com"),
            ("user@.example.com", "user@.example.com"),
            ("user@-example.com", "user@-example.com"),
            ("user@-x.com", "user@-x.com"),
            ("user@example.com-", "user@example.com"),
            ("user@example.com²", "user@example.com"),
            ("①user@example.com", "user@example.com"),
            ("user＠example．com", "user＠example．com"),
        ] {
            assert_eq!(found(Pattern::Email, text), [address], "{text}");
            assert_eq!(found(Pattern::Link, text), Vec::<&str>::new(), "{text}");
        }
        // With a space before it, this can be an address or a link.
        assert_eq!(found(Pattern::Email, "ask user @example.com"), ["user @example.com"]);
        assert_eq!(found(Pattern::Link, "ask user @example.com"), ["example.com"]);
        assert_eq!(found(Pattern::Email, "a@b.cc c@d.cc,e@f.cc"), ["a@b.cc", "c@d.cc", "e@f.cc"]);
    }

    #[test]
    fn what_has_an_at_sign_is_an_address_or_a_link() {
        for (text, link) in [
            ("@example.com", "example.com"),
            ("@t.me/x", "t.me/x"),
            ("hi @t.me/x", "t.me/x"),
            ("@@example.com", "example.com"),
            ("＠example.com", "example.com"),
            ("example.com@", "example.com"),
            ("www.example.com@", "www.example.com"),
            ("..@example.com", "example.com"),
            ("@пример.рф", "пример.рф"),
            ("пример.рф@", "пример.рф"),
            ("a@b.cc, example.com", "example.com"),
            ("example.com, a@b.cc", "example.com"),
        ] {
            assert_eq!(found(Pattern::Link, text), [link], "{text}");
        }
    }

    #[test]
    fn signs_and_paths_beside_a_link_do_not_hide_it() {
        for (text, link) in [
            ("example.com-", "example.com"),
            ("www.example.com-.-", "www.example.com"),
            ("пример.рф-", "пример.рф"),
            ("/t.me/x", "t.me/x"),
            ("/discord.gg/abc", "discord.gg/abc"),
            ("x_t.me/x", "t.me/x"),
            ("my_site.com/a", "site.com/a"),
            ("a_www.example.com", "www.example.com"),
            ("ok。пример.рф", "пример.рф"),
            ("中。例子.中国", "例子.中国"),
            ("好。例子.com", "例子.com"),
            ("пример.рф.Это", "пример.рф"),
            ("例子.中国。我们走", "例子.中国"),
            ("http:///example.zz", "http:///example.zz"),
            ("https://@example.zz", "https://@example.zz"),
            ("https://.example.zz!", "https://.example.zz"),
            ("https://😀.zz", "https://😀.zz"),
            ("example.com/中文路径 好", "example.com/中文路径"),
            ("example.com/путь/a。好", "example.com/путь/a"),
            ("example.com/中文，好", "example.com/中文"),
            ("https://例子.中国/路径？好", "https://例子.中国/路径"),
            ("example.com：好", "example.com"),
            ("example.com?好", "example.com"),
        ] {
            assert_eq!(found(Pattern::Link, text), [link], "{text}");
        }
        for text in [
            "src/my_file.rs/x",
            "node_modules/socket.io/dist",
            "我在公司。在线。好",
            "http:///",
            "https://😀",
            "http://. Then",
        ] {
            assert_eq!(found(Pattern::Link, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn symbols_beside_a_link_are_no_part_of_it() {
        for symbol in ["🇩🇪", "™", "ℹ\u{fe0f}", "①", "②③", "²", "ª", "º", "№", "㎏", "❶", "🅰"]
        {
            for host in ["example.com", "пример.рф", "www.example.com"] {
                let (after, before) = (format!("{host}{symbol}"), format!("{symbol}{host}"));
                assert_eq!(found(Pattern::Link, &after), [host], "{after}");
                assert_eq!(found(Pattern::Link, &before), [host], "{before}");
            }
        }
        for text in
            ["ⓔⓧⓐⓜⓟⓛⓔ.ⓒⓞⓜ", "𝓮𝔁𝓪𝓶𝓹𝓵𝓮.com", "example．com", "exⓐmple.com", "example.ⓒom", "example.coⓜ", "🇪🇽🇦🇲🇵🇱🇪.🇨🇴🇲"]
        {
            assert_eq!(found(Pattern::Link, text), [text], "{text}");
        }
        assert_eq!(found(Pattern::Link, "ⓔⓧample.com"), ["ample.com"]);
        assert_eq!(found(Pattern::Link, "①www.example.zz, ²"), ["www.example.zz"]);
    }

    #[test]
    fn a_sentence_after_a_full_stop_and_a_call_are_no_link() {
        for text in ["ok.Fr", "ja.De", "foto.Top!", "Mo.Di.Mi.Do.Fr.", "всё.Ком", "console.info(x)", "log.info(\"x\")"]
        {
            assert_eq!(found(Pattern::Link, text), Vec::<&str>::new(), "{text}");
        }
        for text in ["Example.De", "EXAMPLE.DE", "example.DE", "Example.de", "ok.Com", "www.example.De", "Пример.Рф"]
        {
            assert_eq!(found(Pattern::Link, text), [text], "{text}");
        }
        assert_eq!(found(Pattern::Link, "example.com(new)"), ["example.com"]);
        assert_eq!(found(Pattern::Link, "example.app(官网)"), ["example.app"]);
    }

    #[test]
    fn phone_numbers_are_checked() {
        for (text, number) in [
            ("call +49 30 1234567 now", "+49 30 1234567"),
            ("13812345678", "13812345678"),
            ("微信138-1234-5678", "138-1234-5678"),
            ("(212) 555-0123", "(212) 555-0123"),
            ("212.555.0123", "212.555.0123"),
            ("0532 123 45 67", "0532 123 45 67"),
            ("030/1234567", "030/1234567"),
            ("+8613812345678", "+8613812345678"),
            ("００４９ ３０ １２３４５６７", "００４９ ３０ １２３４５６７"),
            ("٠٥٣٢ ١٢٣ ٤٥ ٦٧", "٠٥٣٢ ١٢٣ ٤٥ ٦٧"),
            ("138_1234_5678", "138_1234_5678"),
            ("138 12 34 56 78", "138 12 34 56 78"),
            ("138-12345678", "138-12345678"),
            ("1-800-555-0199", "1-800-555-0199"),
            ("1 (800) 555-0199", "1 (800) 555-0199"),
            ("212_555_0123", "212_555_0123"),
            ("13812345678 24h", "13812345678"),
            ("2 13812345678", "13812345678"),
            ("1 2 138 1234 5678 3 4", "138 1234 5678"),
            ("111 13812345678 222", "13812345678"),
            ("5 0532 123 45 67", "0532 123 45 67"),
            ("5 +49 30 1234567 8", "+49 30 1234567 8"),
        ] {
            assert_eq!(found(Pattern::Phone, text), [number], "{text}");
        }
        for text in [
            "3.14159",
            "3.141592653589793",
            "2026-11-26",
            "26.11.2026 12:30",
            "1,000,000,000",
            "2019-2020",
            "192.168.100.200",
            "1700000000000",
            "room 12345",
            "12:30:45",
            "10 000 000 EUR",
            "978-3-16-148410-0",
            "0.123456789",
            "4111 1111 1111 1111",
            "ID 55512345678",
            "1_000_000_000",
            "IMG_2026_1126_1234",
            "IMG_138_1234_5678",
            "2026_11_26",
            "01_12_2026",
            "138 12 34",
            "1 800 555 019",
            "1-000-555-0199",
            "10 20 30 40 50",
            "1 000 000 000 000",
            "DE89 3704 0044 0532 0130 00",
            "89 3704 0044 0532 0130 00",
            "4111 1381 1234 5678",
            "2 3.14159265358",
            "12 138 12 34",
        ] {
            assert_eq!(found(Pattern::Phone, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn what_is_beside_a_phone_number_does_not_hide_it() {
        for (text, number) in [
            ("Tel13812345678", "13812345678"),
            ("VX13812345678", "13812345678"),
            ("13812345678V", "13812345678"),
            ("138 1234 5678x", "138 1234 5678"),
            ("tel+49 30 1234567", "+49 30 1234567"),
            ("_13812345678_", "13812345678"),
            ("1) 13812345678", "13812345678"),
            ("(1) 13812345678", "13812345678"),
            ("1:13812345678", "13812345678"),
            ("1,13812345678", "13812345678"),
            ("1.13812345678", "13812345678"),
            ("1. 13812345678", "13812345678"),
            ("13812345678:5", "13812345678"),
            ("13812345678.5", "13812345678"),
            ("138 1234 5678 24/7", "138 1234 5678"),
            ("030 1234567 24/7", "030 1234567"),
            ("030 1234567 24h", "030 1234567"),
            ("1 2 3 138 1234 5678", "138 1234 5678"),
            ("111 138 1234 5678", "138 1234 5678"),
            ("138 1234 5678 2026-11-26", "138 1234 5678"),
            ("030 1234567 2026-11-26", "030 1234567"),
            ("①13812345678", "13812345678"),
            ("13812345678²", "13812345678"),
            ("138 1234 5678²", "138 1234 5678"),
            ("🇨🇳13812345678", "13812345678"),
            ("13812345678™", "13812345678"),
            ("№13812345678", "13812345678"),
            ("1️⃣13812345678", "13812345678"),
            ("1️⃣3️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣", "1️⃣3️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8"),
            ("①③⑧12345678", "①③⑧12345678"),
            ("①③⑧①②③④⑤⑥⑦⑧", "①③⑧①②③④⑤⑥⑦⑧"),
        ] {
            assert_eq!(found(Pattern::Phone, text), [number], "{text}");
        }
        for text in [
            "a13812345678f",
            "x13812345678x",
            "deadbeef13812345678",
            "550e8400-e29b-41d4-a716-446655440000",
            "3f2x13812345678",
            "13812345678_copy",
            "2026-13812345678",
            "138-1234-5678-9012",
            "0,13812345678",
            "0.13812345678",
            "ID 55512345678",
        ] {
            assert_eq!(found(Pattern::Phone, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn each_of_several_phone_numbers_is_found() {
        for (text, numbers) in [
            ("13812345678,13912345678", ["13812345678", "13912345678"]),
            ("13812345678/13912345678", ["13812345678", "13912345678"]),
            ("13812345678-13912345678", ["13812345678", "13912345678"]),
            ("138 1234 5678 139 1234 5679", ["138 1234 5678", "139 1234 5679"]),
            ("030 1234567 030 7654321", ["030 1234567", "030 7654321"]),
            ("030 1234567\n030 7654321", ["030 1234567", "030 7654321"]),
            ("212 555 0123 212 555 0124", ["212 555 0123", "212 555 0124"]),
            ("+49 30 1234567 030 7654321", ["+49 30 1234567", "030 7654321"]),
            ("①13812345678②13912345678", ["13812345678", "13912345678"]),
        ] {
            assert_eq!(found(Pattern::Phone, text), numbers, "{text}");
        }
    }

    #[test]
    fn phone_numbers_are_written_in_many_ways() {
        for text in [
            "8613812345678",
            "86-13812345678",
            "(86) 138 1234 5678",
            "86 138 1234 5678",
            "06 12 34 56 78",
            "06.12.34.56.78",
            "+7(916)123-45-67",
            "+1(212)555-0123",
            "0(532)123 45 67",
            "8 (495) 123-45-67",
            "89161234567",
            "8 916 123-45-67",
            "138–1234–5678",
            "138—1234—5678",
            "138−1234−5678",
            "138‑1234‑5678",
            "138  1234  5678",
            "138 - 1234 - 5678",
            "138--1234--5678",
            "138·1234·5678",
            "138\n1234\t5678",
            "138\u{a0}1234\u{a0}5678",
            "030 – 1234567",
        ] {
            assert_eq!(found(Pattern::Phone, text), [text], "{text}");
        }
    }

    #[test]
    fn dates_books_hours_and_round_numbers_are_no_phone_numbers() {
        for text in [
            "ISBN 0-306-40615-2",
            "0900 1200 1500",
            "0800 1230 1500",
            "007 008 009 010",
            "01 02 03 04 05",
            "05 12 23 34 45",
            "13000000000",
            "8613000000000",
            "89000000000",
            "05.11-12.11.2026",
            "05.11.2026 - 12.11.2026",
            "08.00-12.00 14.00-18.00",
            "01.12.2026 12.30",
            "01.12.26 12 30",
            "01.12.26",
            "2019 - 2020",
            "8 000 000 00 00",
            "3,14159265358",
            "48.137154, 11.576124",
            "1.4.5.13812",
        ] {
            assert_eq!(found(Pattern::Phone, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn numbers_are_whole_and_long() {
        let number = Pattern::Number { digits_min: 6 };
        assert_eq!(found(number, "QQ 123456789, or 654321."), ["123456789", "654321"]);
        assert_eq!(found(number, "加群１２３４５６"), ["１２３４５６"]);
        assert_eq!(found(number, "QQ123456789 加v654321 Tel:123456²"), ["123456789", "654321", "123456"]);
        for text in [
            "3.14159265",
            "3,14159265",
            "12345",
            "1,000,000",
            "1.000.000",
            "0.1234567",
            "2026-11-26",
            "a1234567",
            "vid1234567",
            "3v1234567",
            "my_id1234567",
            "v1234567a",
            "12:30:45.123456",
            "€ 1234567,89",
        ] {
            assert_eq!(found(number, text), Vec::<&str>::new(), "{text}");
        }
    }
}
