//! Results as JUnit XML, in the form that CI systems have in common.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::case::{Case, Judgement};

/// One suite, with a test case for each callback.
///
/// # Errors
/// If the report cannot be written as XML.
pub(super) fn report(plugin: &str, cases: &[Case], judgements: &[Judgement]) -> Result<String, SerializeError> {
    let plugin = allowed(plugin);
    let mut suite = TestSuite::new(plugin.as_str());
    for (case, judgement) in cases.iter().zip(judgements) {
        let mut test = TestCase::new(allowed(&case.name), status(judgement));
        test.set_classname(plugin.as_str()).set_time(judgement.took);
        suite.add_test_case(test);
    }
    let took = judgements.iter().map(|judgement| judgement.took).sum();
    suite.set_time(took);
    let mut report = Report::unnamed();
    report.set_time(took).add_test_suite(suite);
    report.to_string()
}

fn status(judgement: &Judgement) -> TestCaseStatus {
    let Some(first) = judgement.problems.first() else { return TestCaseStatus::success() };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(allowed(first.lines().next().unwrap_or_default()));
    status.set_description(allowed(&judgement.problems.join("\n")));
    status
}

/// Text without the characters that XML 1.0 does not allow: each becomes `?`. The library would silently remove most of
/// them, and would write U+FFFE and U+FFFF, which make the file unreadable.
fn allowed(text: &str) -> String {
    let is_allowed = |letter: char| match letter {
        '\n' | '\t' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        letter => !letter.is_control(),
    };
    text.chars().map(|letter| if is_allowed(letter) { letter } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_does_not_allow_is_shown_as_a_question_mark() {
        assert_eq!(allowed("a<b>\u{1}\u{1b}\r\u{fffe}\n\t"), "a<b>????\n\t");
    }
}
