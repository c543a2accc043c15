//! Spellings that evaded the search once, by kind.

use super::budget::Budget;
use super::{Rules, Strictness, Words};

fn words(list: &[&str], strictness: Strictness, whole_words: bool) -> Words {
    Words::new(list, Rules { strictness, whole_words }).unwrap()
}

/// Checks that a word of a list is in each text, and in none of the others.
fn check(words: &Words, texts: &[&str], others: &[&str]) {
    let hidden: Vec<&&str> = texts.iter().filter(|text| !words.occur_in(text)).collect();
    let wrong: Vec<&&str> = others.iter().filter(|text| words.occur_in(text)).collect();
    assert!(hidden.is_empty() && wrong.is_empty(), "hidden: {hidden:?}, found without reason: {wrong:?}");
}

#[test]
fn an_arabic_word_is_found_after_prefixes_in_any_form() {
    for strictness in [Strictness::Exact, Strictness::Normal, Strictness::Aggressive] {
        let words = words(&["كلب", "لاعب", "أحمق"], strictness, true);
        let found = [
            "كلب",
            "الكلب",
            "ﺍﻟﻜﻠﺐ",
            "ﺍﻟﻛﻠﺐ",
            "ﺍﻟكلب",
            "اﻟكلب",
            "الﻛﻠﺐ",
            "ﺍلﻛﻠﺐ",
            "ﻭﺍﻟﻜﻠﺐ",
            "وﺍﻟﻜﻠﺐ",
            "ﻭكلب",
            "ﺑﺎﻟﻜﻠﺐ",
            "ﻟﻠﻜﻠﺐ",
            "قال ﺍﻟﻜﻠﺐ",
            "🔥ﺍﻟﻜﻠﺐ",
            "٣ﺍﻟﻜﻠﺐ",
            "免ﺍﻟﻜﻠﺐ",
            "免الكلب",
            "免كلب",
            "ﺍ\u{64e}ﻟ\u{640}ﻜﻠﺐ",
            "ﻻﻋﺐ",
            "وﻻﻋﺐ",
            "ﻭﻻﻋﺐ",
            "وﻻعب",
            "اللاعب",
            "الﻻعب",
            "أحمق",
            "الأحمق",
            "ﺍﻷﺣﻤﻖ",
            "ﺍﻻﺣﻤﻖ",
            "اﻷحمق",
            "واﻷحمق",
            "ﻭﺍﻷﺣﻤﻖ",
            "ﺑﺎﻷﺣﻤﻖ",
            "ﻷﺣﻤﻖ",
            "ﻟﻸﺣﻤﻖ",
            "ﺍﻷ\u{640}ﺣﻤﻖ",
        ];
        check(
            &words,
            &found,
            &["مكلب", "ﻣﻜﻠﺐ", "ﻣﺎﻟﻜﻠﺐ", "xالكلب", "ｘﺍﻟﻜﻠﺐ", "ﺍﻟﻤﻜﻠﺐ", "ﻣﻸﺣﻤﻖ", "xﻷﺣﻤﻖ", "ﺍﻷﺣﻤﻘﺔ", "كلبشة", "ﻛﻠﺒﺸﺔ"],
        );
    }
}

#[test]
fn a_space_is_left_out_before_letters_of_every_kind() {
    let words = words(
        &["freedom νικη", "freedom finally", "top 10 casino", "free spam offers", "спам Ничего"],
        Strictness::Aggressive,
        true,
    );
    let found = [
        "freedomνικη",
        "freedomΝΙΚΗ",
        "freedomfinally",
        "freedomﬁnally",
        "top10casino",
        "top１0casino",
        "free5pamoffers",
        "free$pamoffers",
        "free＄pamoffers",
        "спамничего",
        "СПАМНИЧЕГО",
    ];
    check(&words, &found, &["freedomΝΙΚ", "xfreedomΝΙΚΗ", "top10casinos"]);
}

#[test]
fn a_sign_for_a_first_letter_is_found_after_letters_where_parts_of_words_count() {
    for strictness in [Strictness::Normal, Strictness::Aggressive] {
        let words = words(&["spam", "cheap"], strictness, false);
        let found =
            ["xspam", "x$pam", "x§pam", "x＄pam", "жspam", "ж$pam", "x¢heap", "é¢heap", "ｘ§pam", "x5pam", "ｘ５pam"];
        check(&words, &found, &["x§am", "x¢eap"]);
    }
}

/// In the text after this, with this budget, words are found only as they are listed.
const EXHAUSTING: &str = "a.b.c ";
const EXHAUSTED: Budget = Budget { steps_max: 0, characters_max: 0, listed_characters_max: u32::MAX };

#[test]
fn control_characters_hide_nothing_when_the_budget_is_exhausted() {
    let list = ["abcdef", "spam", "a way", "免费", "x1y", "lily", "alison"];
    for whole_words in [true, false] {
        let words = words(&list, Strictness::Normal, whole_words).with(EXHAUSTED);
        for hidden in [
            "spam",
            "s\u{1}pam",
            "sp\u{7f}am",
            "s\u{1}p\u{2}am",
            "a\nway",
            "a\tway",
            "a\u{1}\nway",
            "x\u{1}1y",
            "免\u{1}费",
            "lily",
            "LiLy",
            "alison",
        ] {
            let text = EXHAUSTING.to_owned() + hidden;
            let found = words.find_all(&text);
            assert!(found.iter().any(|found| found.range.end == text.len()), "{hidden:?} {whole_words}");
        }
        check(&words, &[], &[&format!("{EXHAUSTING}s.p.a.m"), &format!("{EXHAUSTING}sp4m")]);
    }
}

#[test]
fn marks_of_any_alphabet_and_characters_that_show_nothing_hide_no_word() {
    let words = words(&["spam", "спам", "كلب", "免费"], Strictness::Normal, true);
    for between in "\u{301}\u{336}\u{489}\u{5b0}\u{64e}\u{740}\u{7eb}\u{898}\u{8ca}\u{1ab0}\u{1cd0}\u{1dc0}\u{20dd}\u{2cef}\u{2de0}\u{302a}\u{a66f}\u{a674}\u{a69e}\u{a8e0}\u{fe20}\u{1d165}\
        \u{ad}\u{34f}\u{61c}\u{180e}\u{200d}\u{202e}\u{2060}\u{fe0f}\u{feff}\u{fff0}\u{fff9}\u{1bca0}\u{1d173}\u{e0041}\u{e0100}".chars() {
        for word in ["spam", "спам", "كلب", "免费"] {
            let every: String = word.chars().flat_map(|c| [c, between]).collect();
            let mut once = word.to_owned();
            once.insert(word.chars().next().map_or(0, char::len_utf8), between);
            check(&words, &[&every, &once, &format!("{between}{word}"), &format!("so: {every}!")], &[]);
        }
    }
}

#[test]
fn letters_with_hooks_and_strokes_look_like_those_without() {
    let words = words(&["free money", "badword", "idiot", "كلب"], Strictness::Normal, true);
    let found = ["ƒɍɇɇ ɱɵɲɇƴ", "ɓᶏɖⱳɵɍɖ", "ɨɖɨɵʈ", "ꞗⱥdwøꞧd", "frее mоηеy", "ڪلب"];
    check(&words, &found, &["порты", "ɓᶏɖⱳɵɍɖs"]);
}

#[test]
fn any_number_of_spaces_draws_a_word_out() {
    for strictness in [Strictness::Normal, Strictness::Aggressive] {
        let words = words(&["free money", "spam", "免费"], strictness, true);
        let found = [
            "s     p     a     m",
            &"spam".chars().map(|c| format!("{c}{}", " ".repeat(500))).collect::<String>(),
            &"spam".chars().map(|c| format!("{c}{}", " ".repeat(5))).collect::<String>(),
            &"spam".chars().map(|c| format!("{c}{}", " ".repeat(4))).collect::<String>(),
            &format!("free{}money", " ".repeat(500)),
            &format!("f r e e{}m o n e y", "\n".repeat(500)),
            "s\n\n\n\n\n\n\np\n\n\n\n\n\na\n\n\n\n\n\nm",
            "免        费",
            "f r e e         m o n e y",
        ];
        check(&words, &found, &["sp        am", "s......p......a......m"]);
    }
}

#[test]
fn what_is_invisible_after_a_sign_for_a_letter_hides_nothing() {
    for whole_words in [true, false] {
        let words = words(&["spam", "badword"], Strictness::Normal, whole_words);
        check(&words, &["$\u{200b}pam", "＄\u{200b}pam", "$\u{1}p\u{1}am", "b@\u{200d}dword", "b@\u{301}dword"], &[]);
    }
}

#[test]
fn what_shows_as_a_gap_or_as_nothing_stands_for_a_space() {
    for strictness in [Strictness::Normal, Strictness::Aggressive] {
        let words = words(&["free money", "a way out", "免费 赠送", "спам тут", "ما كلب"], strictness, true);
        for blank in "\u{115f}\u{1160}\u{3164}\u{ffa0}\u{2800}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}\u{61c}\u{34f}\u{1}\u{e0001}".chars() {
            for phrase in ["free money", "a way out", "免费 赠送", "спам тут", "ما كلب"] {
                let spelt = phrase.replace(' ', &blank.to_string());
                check(&words, &[&spelt, &format!("so: {spelt}!"), &spelt.replace(blank, &blank.to_string().repeat(3))], &[]);
            }
        }
        check(&words, &["fr\u{3164}ee money", "f\u{ffa0}ree money", "x\u{3164}free money"], &["x\u{200b}free money"]);
    }
    let words = words(&["free money"], Strictness::Exact, true);
    check(&words, &["free\u{3164}money", "fr\u{3164}ee money"], &["free\u{200b}money"]);
}

#[test]
fn any_number_of_blank_letters_hides_nothing() {
    for (strictness, whole_words) in [
        (Strictness::Normal, true),
        (Strictness::Aggressive, true),
        (Strictness::Exact, true),
        (Strictness::Normal, false),
    ] {
        let words = words(&["free money", "spam"], strictness, whole_words);
        for count in [1, 6, 20, 400] {
            let blank = "\u{3164}".repeat(count);
            let inside = format!("f{blank}ree money");
            let between = format!("free{blank}money");
            let every = format!("f{blank}r{blank}e{blank}e{blank}money");
            // A text of such beginnings does not exhaust the budget before a word in disguise.
            let many = format!("{} spam", format!("f{blank}xx ").repeat(20));
            check(&words, &[&inside, &between, &every, &many], &[]);
        }
        if strictness != Strictness::Exact {
            check(
                &words,
                &[&format!("{} s.p.a.m", "f\u{3164}\u{3164}\u{3164}\u{3164}\u{3164}\u{3164}xx ".repeat(20))],
                &[],
            );
        }
    }
}

#[test]
fn marks_cost_steps() {
    let words = words(&["f f f f f f f f f f f f f f spam"], Strictness::Aggressive, true);
    let marks = "\u{301}".repeat(2000);
    let text = format!("{}{marks}x", "f ".repeat(40));
    let mut walk = words.walk(&text);
    for at in 0..40 {
        assert_eq!(walk.from(at * 2), None);
    }
    assert!(walk.is_exhausted());
    let text = format!("s{marks}p{marks}am");
    assert!(self::words(&["spam"], Strictness::Normal, true).occur_in(&text));
}

#[test]
fn doubled_consonants_inside_of_a_word_make_another_word() {
    let list = words(&["adres", "posesion", "free money"], Strictness::Normal, true);
    check(&list, &["ffrreeee mmooney", "adreees"], &["my address", "possession"]);
    check(&words(&["adres", "posesion"], Strictness::Aggressive, true), &["my address", "possession"], &[]);
}

#[test]
fn a_consonant_that_a_word_begins_with_is_doubled() {
    let words =
        words(&["free money", "viagra", "lama", "later", "raping", "сора", "god", "win"], Strictness::Normal, true);
    let found = ["ffree money", "free mmoney", "ffree mmoney", "vviagra", "VVIAGRA", "rraping", "viaaagra", "godddd"];
    check(&words, &found, &["llama", "latter", "rapping", "ссора", "good", "goddess", "viaggra", "wwin"]);
}

/// Alphabets that generators of fancy texts offer, from a to z; a space where an alphabet has no letter of its own.
const FANCY: [&str; 20] = [
    "ᗩᗷᑕᗪ ᖴ ᕼ ᒍ ᒪᗰᑎ ᑭᑫᖇᔕ ᑌᐯᗯ᙭ ᘔ",
    "ᗩᗷᑢᕲᘿᖴᘜᕼᓰᒚ ᒪᘻᘉᓍᕵᕴᖇᔕᖶᑘᐺᘺ᙭ᖻᗱ",
    "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘ ʀꜱᴛᴜᴠᴡ ʏᴢ",
    "🄰🄱🄲🄳🄴🄵🄶🄷🄸🄹🄺🄻🄼🄽🄾🄿🅀🅁🅂🅃🅄🅅🅆🅇🅈🅉",
    "🅰🅱🅲🅳🅴🅵🅶🅷🅸🅹🅺🅻🅼🅽🅾🅿🆀🆁🆂🆃🆄🆅🆆🆇🆈🆉",
    "🅐🅑🅒🅓🅔🅕🅖🅗🅘🅙🅚🅛🅜🅝🅞🅟🅠🅡🅢🅣🅤🅥🅦🅧🅨🅩",
    "⒜⒝⒞⒟⒠⒡⒢⒣⒤⒥⒦⒧⒨⒩⒪⒫⒬⒭⒮⒯⒰⒱⒲⒳⒴⒵",
    "🄐🄑🄒🄓🄔🄕🄖🄗🄘🄙🄚🄛🄜🄝🄞🄟🄠🄡🄢🄣🄤🄥🄦🄧🄨🄩",
    "ⒶⒷⒸⒹⒺⒻⒼⒽⒾⒿⓀⓁⓂⓃⓄⓅⓆⓇⓈⓉⓊⓋⓌⓍⓎⓏ",
    "𝔄𝔅ℭ𝔇𝔈𝔉𝔊ℌℑ𝔍𝔎𝔏𝔐𝔑𝔒𝔓𝔔ℜ𝔖𝔗𝔘𝔙𝔚𝔛𝔜ℨ",
    "𝕬𝕭𝕮𝕯𝕰𝕱𝕲𝕳𝕴𝕵𝕶𝕷𝕸𝕹𝕺𝕻𝕼𝕽𝕾𝕿𝖀𝖁𝖂𝖃𝖄𝖅",
    "𝒶𝒷𝒸𝒹ℯ𝒻ℊ𝒽𝒾𝒿𝓀𝓁𝓂𝓃ℴ𝓅𝓆𝓇𝓈𝓉𝓊𝓋𝓌𝓍𝓎𝓏",
    "𝓐𝓑𝓒𝓓𝓔𝓕𝓖𝓗𝓘𝓙𝓚𝓛𝓜𝓝𝓞𝓟𝓠𝓡𝓢𝓣𝓤𝓥𝓦𝓧𝓨𝓩",
    "𝔸𝔹ℂ𝔻𝔼𝔽𝔾ℍ𝕀𝕁𝕂𝕃𝕄ℕ𝕆ℙℚℝ𝕊𝕋𝕌𝕍𝕎𝕏𝕐ℤ",
    "𝚊𝚋𝚌𝚍𝚎𝚏𝚐𝚑𝚒𝚓𝚔𝚕𝚖𝚗𝚘𝚙𝚚𝚛𝚜𝚝𝚞𝚟𝚠𝚡𝚢𝚣",
    "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖ ʳˢᵗᵘᵛʷˣʸᶻ",
    "ąცƈɖɛʄɠɧ ʝƙƖɱŋơ   ʂɬų ῳ ყʑ",
    "₳ ₵ĐɆ₣₲Ⱨ J₭Ⱡ₥₦Ø₱QⱤ₴₮ɄV₩ӾɎⱫ",
    "ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑ ꓣꓢꓔꓴꓦꓪꓫꓬꓜ",
    "ᎪᏴᏟᎠᎬ Ꮐ ᏆᎫᏦᏞᎷ ᎾᏢ ᏒᏚᎢᏌᏙᏔ ᎩᏃ",
];

#[test]
fn alphabets_of_generators_hide_no_word() {
    use crate::text::letters::{leet, read};

    let mut hidden = Vec::new();
    for alphabet in FANCY {
        assert_eq!(alphabet.chars().count(), 26, "{alphabet}");
        let fancy: Vec<char> = alphabet.chars().collect();
        let write = |text: &str| -> String {
            let of =
                |c: char| (c as usize).checked_sub('a' as usize).and_then(|at| fancy.get(at)).filter(|c| **c != ' ');
            text.chars().map(|c| *of(c).unwrap_or(&c)).collect()
        };
        let wrong = |c: &char| {
            let read_as = read(write(&c.to_string()).chars().next().unwrap());
            let class = read(*c).class;
            read_as.class != class && read_as.shown != Some(class) && leet(read_as.letter) != [class]
        };
        hidden.extend(('a'..='z').filter(wrong).map(|c| write(&c.to_string())));
        for phrase in ["free money", "quick fox", "badword", "jazz hymn", "verify your wallet"] {
            let words = words(&[phrase], Strictness::Normal, true);
            hidden.extend(Some(write(phrase)).filter(|spelt| !words.occur_in(spelt)));
        }
    }
    assert!(hidden.is_empty(), "{hidden:?}");
    let words = words(&["free money"], Strictness::Normal, true);
    let found = ["fr℮e money", "free mon℮y", "ᖴᖇEE ᗰOᑎEY", "ᖴree money"];
    // `∪` looks like a u. `×` does not stand for an x: texts have it between letters.
    check(&words, &found, &["fr∪e money"]);
    check(&self::words(&["frue", "axe"], Strictness::Normal, true), &["fr∪e"], &["a×e"]);
}
