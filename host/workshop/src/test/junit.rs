//! Results as JUnit XML, in the form that CI systems have in common.

use super::case::{Case, Judgement};

/// One suite, with a test case for each callback.
pub(super) fn report(plugin: &str, cases: &[Case], judgements: &[Judgement]) -> String {
    let plugin = escape(plugin);
    let failures = judgements.iter().filter(|judgement| !judgement.problems.is_empty()).count();
    let seconds: f64 = judgements.iter().map(|judgement| judgement.took.as_secs_f64()).sum();
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\" time=\"{seconds:.6}\"", cases.len());
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  <testsuite name=\"{plugin}\" {counts}>\n"
    );
    for (case, judgement) in cases.iter().zip(judgements) {
        let name = escape(&case.name);
        let seconds = judgement.took.as_secs_f64();
        xml.push_str(&format!("    <testcase classname=\"{plugin}\" name=\"{name}\" time=\"{seconds:.6}\""));
        match judgement.problems.first() {
            None => xml.push_str("/>\n"),
            Some(first) => {
                let message = escape(first.lines().next().unwrap_or_default());
                let text = escape(&judgement.problems.join("\n"));
                xml.push_str(&format!(">\n      <failure message=\"{message}\">{text}</failure>\n    </testcase>\n"));
            }
        }
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// Text as XML has it; control characters, which XML 1.0 cannot hold at all, become `?`.
fn escape(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '&' => xml.push_str("&amp;"),
            '"' => xml.push_str("&quot;"),
            '\n' | '\t' => xml.push(letter),
            '\u{fffe}' | '\u{ffff}' => xml.push('?'),
            letter if letter.is_control() => xml.push('?'),
            letter => xml.push(letter),
        }
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("a<b> & \"c\"\u{1}\n"), "a&lt;b&gt; &amp; &quot;c&quot;?\n");
    }
}
