//! The memory that a callback uses while it waits in a queue, in bytes: everything whose size a user or a plugin
//! controls. Queues with a limit in bytes count this, except for records, which they count themselves.

use callgate_catalogue::wire::Change;
use callgate_dialects::{Adjustment, Callback, Decision};
use callgate_sandbox::Fault;

use crate::chain::{ChainRun, Step, Update};

/// A callback: its body, its query and its IDs.
pub(crate) fn of_callback(callback: &Callback) -> usize {
    let query: usize = callback.query().iter().map(|(name, value)| name.len() + value.len()).sum();
    callback.body().len() + query + callback.operation_id().len() + callback.client_address().len()
}

/// The outcome of a callback with the texts of its plugins, without its records.
pub(crate) fn of_run(run: &ChainRun) -> usize {
    let decisions = std::iter::once(&run.decision).chain(run.parts.iter().map(|part| &part.decision));
    let facts: usize = run.facts.iter().map(|knowledge| knowledge.bytes()).sum();
    let updates: usize = run.updates.iter().map(of_update).sum();
    decisions.map(of_decision).sum::<usize>() + run.steps.iter().map(of_step).sum::<usize>() + facts + updates
}

fn of_update(update: &Update) -> usize {
    let value = match &update.change {
        Change::Set(value) => value.len(),
        Change::Add(_) | Change::Remove => 0,
    };
    update.key.len() + value
}

fn of_step(step: &Step) -> usize {
    let adjustments = step.adjustments.iter().map(|adjustment| match adjustment {
        Adjustment::ChangeLeftOut { name, .. } => name.len(),
        Adjustment::Code { .. } | Adjustment::Verdict { .. } => 0,
    });
    let log: usize = step.log.iter().map(|(_, text)| text.len()).sum();
    step.fault.as_ref().map_or(0, of_fault) + adjustments.sum::<usize>() + log
}

/// The texts of a decision.
pub(crate) fn of_decision(decision: &Decision) -> usize {
    match decision {
        Decision::Allow | Decision::Drop => 0,
        Decision::Deny(denial) => denial.message.len() + denial.detail.len(),
        Decision::Modify(changes) => changes.iter().map(|(name, value)| name.len() + value.as_str().len()).sum(),
        Decision::RefuseSome(users) => users.iter().map(String::len).sum(),
        Decision::PerUser(results) => results.iter().map(|result| result.user.len() + result.message.len()).sum(),
        Decision::Reply(text) => text.len(),
    }
}

/// The texts of a fault.
pub(crate) fn of_fault(fault: &Fault) -> usize {
    match fault {
        Fault::Panic { message: text } | Fault::Trap { what: text } | Fault::Undecided { reason: text } => text.len(),
        Fault::ReplyInvalid { why, detail } => why.len() + detail.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use callgate_catalogue::wire::LogLevel;
    use callgate_dialects::Denial;

    use super::*;
    use crate::chain::Link;
    use crate::settings::Settings;

    #[test]
    fn all_that_a_plugin_can_make_long_counts() {
        let toml = "[journal]\noff = true\n[[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = [\"*\"]\n\
                    [[platform]]\nkind = \"openim\"\n";
        let settings = Settings::parse("host.toml".as_ref(), toml).unwrap();
        let link = Arc::new(Link::not_loaded(0, Vec::new(), &settings.plugins[0], None, Duration::ZERO));
        let step = Step {
            fault: Some(Fault::Panic { message: "x".repeat(100) }),
            adjustments: vec![Adjustment::ChangeLeftOut { name: "x".repeat(200), why: "" }],
            log: vec![(LogLevel::Info, "x".repeat(400)), (LogLevel::Info, "x".repeat(800))],
            ..Step::new(&link, crate::chain::Mode::Full)
        };
        // Tencent's answer has no room for the detail.
        let denial = Denial { code: 1, message: "x".repeat(1600), detail: "x".repeat(3200) };
        let change = Change::Set("x".repeat(12_800).into());
        let update = Update { fact: None, key: "x".repeat(6400), change, ttl_ms: None };
        let one = ChainRun {
            decision: Decision::Deny(denial),
            steps: vec![step],
            updates: vec![update],
            ..ChainRun::default()
        };
        assert_eq!(of_run(&one), 25_500);
        let mut two = ChainRun::default();
        two.add(one);
        assert_eq!(of_run(&two), 25_500, "of a part");
    }
}
