//! Stacks in the formats of other tools: folded stacks, and a flamegraph.

use inferno::flamegraph::{self, Options};

use callgate_sandbox::profile::Stack;
use callgate_terminal::{Exit, Failure};

/// One line per stack: the frames, separated by `;`, and the fuel.
pub(super) fn folded(stacks: &[Stack]) -> String {
    let line = |stack: &Stack| {
        // As inferno does for names that contain the separator, such as those of arrays.
        let frames: Vec<_> = stack.frames.iter().map(|frame| frame.replace(';', ":")).collect();
        format!("{} {}\n", frames.join(";"), stack.own.0)
    };
    stacks.iter().map(line).collect()
}

/// Draws a flamegraph of at least one stack.
///
/// # Errors
/// If inferno cannot draw it.
pub(super) fn flamegraph(title: &str, folded: &str) -> Result<Vec<u8>, Failure> {
    let mut options = Options::default();
    options.title = title.to_owned();
    options.count_name = "fuel".to_owned();
    options.name_type = "Function:".to_owned();
    // The same profile gives the same file.
    options.deterministic = true;
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, folded.lines(), &mut svg)
        .map_err(|error| Failure::new(Exit::Other, anyhow::anyhow!("the flamegraph cannot be drawn: {error}")))?;
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use callgate_sandbox::Fuel;

    fn stack(frames: &[&str], own: u64) -> Stack {
        Stack { frames: frames.iter().map(|frame| (*frame).to_owned()).collect(), own: Fuel(own) }
    }

    #[test]
    fn stacks_are_folded_and_drawn_the_same_each_time() {
        let folded = folded(&[stack(&["a"], 1), stack(&["a", "f::<[u8; 4]> <x>"], 99)]);
        assert_eq!(folded, "a 1\na;f::<[u8: 4]> <x> 99\n");
        let drawn = flamegraph("title <1>", &folded).unwrap();
        let text = std::str::from_utf8(&drawn).unwrap();
        assert!(text.contains("f::&lt;[u8: 4]&gt; &lt;x&gt; (99 fuel, 99.00%)"), "{text}");
        assert!(text.contains("title &lt;1&gt;"), "{text}");
        assert_eq!(drawn, flamegraph("title <1>", &folded).unwrap());
    }
}
