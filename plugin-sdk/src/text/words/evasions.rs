//! Spellings that a filter before the walk once hid, each with its kind.

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

/// So many disguises that only words as they are listed are searched for afterwards.
fn exhausting() -> String {
    "a.b.c.d.e.f. ".repeat(3000)
}

#[test]
fn control_characters_hide_nothing_when_the_budget_is_exhausted() {
    let list = ["abcdef", "spam", "a way", "免费", "x1y", "lily", "alison"];
    for whole_words in [true, false] {
        let words = words(&list, Strictness::Normal, whole_words);
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
            let text = exhausting() + hidden;
            assert!(words.occur_in(hidden), "{hidden:?}");
            let found = words.find_all(&text);
            assert!(found.iter().any(|found| found.range.end == text.len()), "{hidden:?} {whole_words}");
        }
    }
}
