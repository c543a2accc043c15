use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Answers with the number of the request, after a delay.
#[derive(Debug, Clone, Default)]
struct Slow {
    asked: Arc<AtomicUsize>,
    takes: Duration,
    fails: bool,
}

impl Ask for Slow {
    fn ask(&self, key: &str) -> Later<Asked> {
        let (number, absent) = (self.asked.fetch_add(1, Ordering::Relaxed) + 1, key == "none");
        let Self { takes, fails, .. } = self.clone();
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            match fails {
                true => Err(Failed::Source("broken".to_owned())),
                false => Ok((!absent).then(|| number.to_string().into())),
            }
        })
    }
}

const MS: Duration = Duration::from_millis(1);

fn settings() -> settings::Remote {
    settings::Remote {
        within: Some(100 * MS),
        cache: 50 * MS,
        stale: 50 * MS,
        cache_entries_max: 2,
        cache_bytes_max: 1000,
        answer_bytes_max: 1000,
        calls_at_once_max: 2,
    }
}

async fn ask(remote: &Remote, key: &str) -> Answer {
    match remote.look_up(key, Purpose::Decide, 0) {
        LookedUp::Now(answer) => answer,
        LookedUp::Later(later) => later.await,
    }
}

fn known(value: &str, age_ms: u64) -> Answer {
    Answer { value: Ok(value.into()), age_ms }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_used_again_until_it_is_too_old() {
    let slow = Slow { takes: 10 * MS, ..Slow::default() };
    let remote = Remote::new("f", slow.clone(), &settings(), &Arc::default());
    assert_eq!(ask(&remote, "u").await, known("1", 0));
    tokio::time::advance(49 * MS).await;
    assert_eq!(ask(&remote, "u").await, known("1", 49));
    tokio::time::advance(MS).await;
    assert_eq!(ask(&remote, "u").await, known("1", 50), "an old answer, while a new one is fetched");
    assert_eq!(ask(&remote, "u").await, known("1", 50), "and only one is fetched");
    tokio::time::sleep(11 * MS).await;
    assert_eq!(ask(&remote, "u").await.value, Ok("2".into()));
    tokio::time::advance(100 * MS).await;
    assert_eq!(ask(&remote, "u").await, known("3", 0), "too old to be used at all");
    assert_eq!(ask(&remote, "none").await, Answer::without(Why::Absent));
    assert_eq!(ask(&remote, "none").await, Answer::without(Why::Absent));
    assert_eq!(slow.asked.load(Ordering::Relaxed), 4, "that there is none is remembered, too");
    let totals = remote.inner.stats.totals();
    assert_eq!((totals.hits, totals.stale, totals.fetched), (3, 2, 4));
}

#[tokio::test(start_paused = true)]
async fn concurrent_lookups_of_a_key_share_one_request() {
    let slow = Slow { takes: 10 * MS, ..Slow::default() };
    let remote = Remote::new(
        "f",
        slow.clone(),
        &settings::Remote { cache: Duration::ZERO, stale: Duration::ZERO, ..settings() },
        &Arc::default(),
    );
    let answers = tokio::join!(ask(&remote, "u"), ask(&remote, "u"), ask(&remote, "u"));
    assert_eq!(answers, (known("1", 0), known("1", 0), known("1", 0)));
    assert_eq!(ask(&remote, "u").await, known("2", 0), "nothing is kept");
    assert_eq!(remote.inner.stats.totals().coalesced, 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_source_is_late_and_then_not_asked() {
    let slow = Slow { takes: 1000 * MS, ..Slow::default() };
    let remote = Remote::new("f", slow.clone(), &settings(), &Arc::default());
    for _ in 0..5 {
        assert_eq!(ask(&remote, "u").await, Answer::without(Why::Late));
    }
    assert!(remote.trouble().unwrap().contains("`within_ms`"));
    assert_eq!(ask(&remote, "u").await, Answer::without(Why::Failed));
    assert_eq!(slow.asked.load(Ordering::Relaxed), 5, "the breaker is open");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ask(&remote, "u").await, Answer::without(Why::Late), "one may try");
    tokio::time::advance(Duration::from_millis(1500)).await;
    assert_eq!(ask(&remote, "u").await, Answer::without(Why::Failed), "the pause is twice as long");
    assert_eq!(slow.asked.load(Ordering::Relaxed), 6);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_works_again_is_asked_again() {
    let failing = Slow { fails: true, ..Slow::default() };
    let remote = Remote::new("f", failing, &settings(), &Arc::default());
    for _ in 0..5 {
        assert_eq!(ask(&remote, "u").await, Answer::without(Why::Failed));
    }
    assert!(remote.trouble().unwrap().ends_with("broken"));
    tokio::time::advance(Duration::from_secs(1)).await;
    remote.inner.breaker.turn().unwrap().ended(End::Answered);
    assert_eq!(remote.trouble(), None);
}

#[tokio::test(start_paused = true)]
async fn many_failures_at_once_are_not_many_pauses() {
    let slow = Slow { takes: 1000 * MS, ..Slow::default() };
    let remote =
        Remote::new("f", slow.clone(), &settings::Remote { calls_at_once_max: 64, ..settings() }, &Arc::default());
    let asking: Vec<_> = (0..64).map(|key| remote.look_up(&key.to_string(), Purpose::Decide, 0)).collect();
    for asked in asking {
        let LookedUp::Later(asked) = asked else { panic!("it is not known") };
        assert_eq!(asked.await, Answer::without(Why::Late));
    }
    assert_eq!(ask(&remote, "u").await, Answer::without(Why::Failed));
    tokio::time::advance(Duration::from_secs(1)).await;
    let (one, other) = tokio::join!(ask(&remote, "u"), ask(&remote, "v"));
    assert_eq!((one, other), (Answer::without(Why::Late), Answer::without(Why::Failed)), "after a second, one may try");
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_is_given_up_is_none() {
    let failing = Slow { fails: true, ..Slow::default() };
    let remote = Remote::new("f", failing, &settings(), &Arc::default());
    for _ in 0..5 {
        ask(&remote, "u").await;
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    let trial = remote.inner.breaker.turn().unwrap();
    assert!(remote.inner.breaker.turn().is_none());
    // One that began before the breaker opened ends now: it is not the trial.
    remote.inner.breaker.turn_anyway().ended(End::Failed("late".to_owned()));
    assert!(remote.inner.breaker.turn().is_none());
    drop(trial);
    assert!(remote.inner.breaker.turn().is_some());
}

/// Creates the failure of a request.
type Fail = fn() -> Failed;

/// Fails for every key, in the same way.
#[derive(Debug)]
struct Fails(Fail);

impl Ask for Fails {
    fn ask(&self, _: &str) -> Later<Asked> {
        let failed = self.0();
        Box::pin(async { Err(failed) })
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_key_or_a_value_does_not_keep_others_from_being_asked() {
    let wrong: [(Fail, Option<&str>); 2] =
        [(|| Failed::Key("odd".to_owned()), None), (|| Failed::Value("no JSON".to_owned()), Some("no JSON"))];
    for (failed, trouble) in wrong {
        let remote = Remote::new("f", Fails(failed), &settings(), &Arc::default());
        for _ in 0..20 {
            assert_eq!(ask(&remote, "u").await, Answer::without(Why::Failed));
        }
        assert!(!remote.inner.breaker.is_open());
        assert_eq!(remote.trouble().as_deref(), trouble);
    }
}

#[tokio::test(start_paused = true)]
async fn entries_and_concurrent_requests_are_bounded() {
    let slow = Slow { takes: 60 * MS, ..Slow::default() };
    let remote = Remote::new("f", slow.clone(), &settings(), &Arc::default());
    let answers = tokio::join!(ask(&remote, "a"), ask(&remote, "b"), ask(&remote, "c"));
    assert_eq!((answers.0.value.is_ok(), answers.1.value.is_ok()), (true, true));
    assert_eq!(answers.2, Answer::without(Why::Late), "it waited for one of two slots, and had too little time left");
    assert_eq!((remote.entries(), remote.evicted()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn keys_and_answers_fit_into_the_bytes_of_the_cache() {
    let settings = settings::Remote { cache_entries_max: 100, cache_bytes_max: 33, ..settings() };
    let remote = Remote::new("f", Slow::default(), &settings, &Arc::default());
    for key in ["ten-bytes1", "ten-bytes2", "ten-bytes3"] {
        ask(&remote, key).await;
    }
    assert_eq!((remote.entries(), remote.evicted()), (3, 0), "11 bytes each, with an answer of one digit");
    ask(&remote, "x").await;
    assert_eq!((remote.entries(), remote.evicted()), (3, 1));
    // An entry larger than the cache stays as long as it is the only one.
    ask(&remote, &"y".repeat(100)).await;
    assert_eq!(remote.entries(), 1);
    ask(&remote, "x").await;
    assert_eq!((remote.entries(), remote.evicted()), (1, 5));
}

/// Answers with the number of the question, and can be changed, each time after a while.
#[derive(Debug, Clone, Default)]
struct Changing {
    asked: Slow,
    takes: Duration,
    made: Arc<Mutex<Vec<String>>>,
}

impl Ask for Changing {
    fn ask(&self, key: &str) -> Later<Asked> {
        self.asked.ask(key)
    }

    fn change(&self, key: &str, change: &Change<'_>, _: Option<u64>) -> Option<Later<Result<(), Failed>>> {
        let (takes, made, what) = (self.takes, Arc::clone(&self.made), format!("{key} {change:?}"));
        Some(Box::pin(async move {
            tokio::time::sleep(takes).await;
            made.lock().unwrap().push(what);
            Ok(())
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_a_change_is_not_remembered() {
    let asked = Slow { takes: 10 * MS, ..Slow::default() };
    let remote = Remote::new("f", Changing { asked, ..Changing::default() }, &settings(), &Arc::default());
    let LookedUp::Later(asked) = remote.look_up("u", Purpose::Decide, 0) else { panic!("it is not known") };
    remote.change("u", &Change::Add(1), None, 0).unwrap();
    assert_eq!(asked.await, known("1", 0), "who has asked gets it");
    assert_eq!(ask(&remote, "u").await, known("2", 0), "but it is asked again");
    assert_eq!(ask(&remote, "u").await, known("2", 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_came_while_a_change_was_made_is_not_remembered() {
    let changing = Changing { takes: 20 * MS, ..Changing::default() };
    let remote = Remote::new("f", changing, &settings(), &Arc::default());
    remote.change("u", &Change::Add(1), None, 0).unwrap();
    assert_eq!(ask(&remote, "u").await, known("1", 0));
    tokio::time::sleep(21 * MS).await;
    assert_eq!(ask(&remote, "u").await, known("2", 0));
}

#[tokio::test(start_paused = true)]
async fn changes_of_a_key_are_made_in_their_order_and_within_a_maximum() {
    let changing = Changing { takes: MS, ..Changing::default() };
    let made = Arc::clone(&changing.made);
    let remote = Remote::new("f", changing, &settings(), &Arc::default());
    let push = |number| remote.change("u", &Change::Add(number), None, 0);
    assert!((0..512).all(|number| push(number).is_ok()));
    assert_eq!(push(512), Err(NotChanged::Full));
    tokio::time::sleep(513 * MS).await;
    let expected: Vec<String> = (0..512).map(|number| format!("u {:?}", Change::Add(number))).collect();
    assert_eq!(*made.lock().unwrap(), expected);
    assert_eq!(push(512), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_has_waited_too_long_is_dropped() {
    let changing = Changing { takes: 19_000 * MS, ..Changing::default() };
    let made = Arc::clone(&changing.made);
    let slow = settings::Remote { within: Some(20_000 * MS), ..settings() };
    let remote = Remote::new("f", changing, &slow, &Arc::default());
    for number in 0..6 {
        remote.change("u", &Change::Add(number), None, 0).unwrap();
    }
    tokio::time::sleep(1_000_000 * MS).await;
    assert_eq!(made.lock().unwrap().len(), 4, "the fourth has waited for 57 s, the fifth for 76");
}

/// Panics when a key is removed.
#[derive(Debug, Clone, Default)]
struct Panics(Changing);

impl Ask for Panics {
    fn ask(&self, key: &str) -> Later<Asked> {
        self.0.ask(key)
    }

    fn change(&self, key: &str, change: &Change<'_>, ttl_ms: Option<u64>) -> Option<Later<Result<(), Failed>>> {
        match change {
            Change::Remove => Some(Box::pin(async { panic!("a bug") })),
            change => self.0.change(key, change, ttl_ms),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_change_and_not_those_after_it() {
    let panics = Panics::default();
    let made = Arc::clone(&panics.0.made);
    let remote = Remote::new("f", panics, &settings(), &Arc::default());
    remote.change("u", &Change::Remove, None, 0).unwrap();
    remote.change("u", &Change::Add(1), None, 0).unwrap();
    tokio::time::sleep(MS).await;
    assert_eq!(made.lock().unwrap().len(), 1);
}
