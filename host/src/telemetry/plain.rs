//! The metrics in the older text format of Prometheus, for programs that do not read OpenMetrics.

/// The content type of OpenMetrics.
pub(crate) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The content type of the older format.
pub(crate) const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Which of the two a client with this `Accept` header gets: OpenMetrics unless it asks for plain text only.
pub(crate) fn content_type(accept: Option<&str>) -> &'static str {
    let mut wants_plain = false;
    for part in accept.unwrap_or_default().split(',') {
        match part.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/openmetrics-text" => return OPENMETRICS,
            "text/plain" => wants_plain = true,
            _ => {}
        }
    }
    if wants_plain { PLAIN } else { OPENMETRICS }
}

/// From OpenMetrics to the older format: the name of a counter has its ending also where it is described, there are no
/// units, and nothing says that this is the end.
pub(crate) fn from_openmetrics(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut help: Option<(&str, &str)> = None;
    for line in text.lines() {
        if let Some((name, words)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            // Written when the type is known.
            help = Some((name, words));
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let ending = if kind == "counter" { "_total" } else { "" };
            if let Some((_, words)) = help.take().filter(|(of, _)| *of == name) {
                plain.push_str(&format!("# HELP {name}{ending} {words}\n"));
            }
            plain.push_str(&format!("# TYPE {name}{ending} {kind}\n"));
        } else if !line.starts_with('#') {
            plain.extend([line, "\n"]);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_wants_plain_text_gets_it() {
        for (accept, expected) in [
            (None, OPENMETRICS),
            (Some("*/*"), OPENMETRICS),
            (Some("text/html"), OPENMETRICS),
            (Some("text/plain"), PLAIN),
            (Some("Text/Plain;version=0.0.4;q=0.5, */*;q=0.1"), PLAIN),
            (Some("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"), OPENMETRICS),
        ] {
            assert_eq!(content_type(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn counters_are_described_by_their_whole_name() {
        let text = "# HELP a_seconds A.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total{x=\"#\"} 1\n\
                    # HELP b B.\n# TYPE b gauge\nb 2\n# EOF\n";
        let expected = "# HELP a_seconds_total A.\n# TYPE a_seconds_total counter\na_seconds_total{x=\"#\"} 1\n\
                        # HELP b B.\n# TYPE b gauge\nb 2\n";
        assert_eq!(from_openmetrics(text), expected);
    }
}
