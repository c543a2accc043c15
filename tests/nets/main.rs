//! The nets of `tests/harness/nets`, cast for some seconds: the same inputs in every run, and a failure shows the
//! smallest. `tests/fuzz` casts them for longer.

use harness::nets::{NETS, Net};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

/// One change to an input.
#[derive(Debug, Clone)]
enum Edit {
    /// Writes a byte over another.
    Byte(Index, u8),
    /// Puts a word there.
    Word(Index, &'static str),
    /// Leaves out up to so many bytes.
    Cut(Index, usize),
    /// Repeats up to so many bytes.
    Repeat(Index, usize),
    /// Ends with the end of a seed.
    Splice(Index, Vec<u8>),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |index: &Index| index.index(bytes.len() + 1);
        match self {
            Self::Byte(index, byte) => match bytes.len() {
                0 => bytes.push(*byte),
                len => bytes[index.index(len)] = *byte,
            },
            Self::Word(index, word) => drop(bytes.splice(at(index)..at(index), word.bytes())),
            Self::Cut(index, len) => drop(bytes.drain(at(index)..(at(index) + len).min(bytes.len()))),
            Self::Repeat(index, len) => {
                let again = bytes[at(index)..(at(index) + len).min(bytes.len())].to_vec();
                drop(bytes.splice(at(index)..at(index), again));
            }
            Self::Splice(index, seed) => {
                bytes.truncate(at(index));
                bytes.extend_from_slice(&seed[index.index(seed.len() + 1)..]);
            }
        }
    }
}

fn edit(net: &Net, seeds: &[Vec<u8>]) -> impl Strategy<Value = Edit> + use<> {
    let place = any::<Index>;
    prop_oneof![
        4 => (place(), any::<u8>()).prop_map(|(at, byte)| Edit::Byte(at, byte)),
        4 => (place(), prop::sample::select(net.words)).prop_map(|(at, word)| Edit::Word(at, word)),
        2 => (place(), 1..40_usize).prop_map(|(at, len)| Edit::Cut(at, len)),
        2 => (place(), 1..40_usize).prop_map(|(at, len)| Edit::Repeat(at, len)),
        1 => (place(), prop::sample::select(seeds.to_vec())).prop_map(|(at, seed)| Edit::Splice(at, seed)),
    ]
}

/// Casts the net for all its seeds, and for `cases` inputs that are made of them.
fn cast(name: &str, cases: u32) {
    let net = NETS.iter().find(|net| net.name == name).expect("there is such a net");
    let seeds = (net.seeds)();
    for seed in &seeds {
        (net.cast)(seed);
    }
    let edits = prop::collection::vec(edit(net, &seeds), 1..6);
    let inputs = (prop::sample::select(seeds), edits).prop_map(|(mut bytes, edits)| {
        edits.iter().for_each(|edit| edit.apply(&mut bytes));
        bytes
    });
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&inputs, |bytes| {
        (net.cast)(&bytes);
        Ok(())
    });
    if let Err(TestError::Fail(why, bytes)) = result {
        panic!("{name}: {why}\nfor {:?}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn json() {
    cast("json", 20_000);
}

#[test]
fn members() {
    cast("members", 10_000);
}

#[test]
fn reply() {
    cast("reply", 20_000);
}

#[test]
fn request() {
    cast("request", 10_000);
}

#[test]
fn module() {
    cast("module", 1000);
}

#[test]
fn settings() {
    cast("settings", 5000);
}

/// With `CALLGATE_SEEDS=tests/fuzz/corpus`, writes what the fuzz targets begin with.
#[test]
fn seeds_are_written() {
    let Some(folder) = std::env::var_os("CALLGATE_SEEDS") else { return };
    let folder = harness::guests::repository().join(folder);
    for net in NETS {
        let corpus = folder.join(net.name);
        std::fs::create_dir_all(&corpus).expect("the folder can be made");
        for (number, seed) in (net.seeds)().iter().enumerate() {
            std::fs::write(corpus.join(format!("seed-{number}")), seed).expect("the seed is written");
        }
        let quoted = |word: &&str| {
            let escaped: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
            format!("\"{escaped}\"\n")
        };
        let words: String = net.words.iter().map(quoted).collect();
        std::fs::write(folder.join(format!("{}.dict", net.name)), words).expect("the words are written");
    }
}
