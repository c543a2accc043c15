//! Whatever a module is: it is refused, or it is a plugin whose calls end within their limits and know nothing of each
//! other.

use std::convert::Infallible;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::OnceLock;
use std::time::Duration;

use arbitrary::Unstructured;
use callgate_sandbox::{Engine, EngineLimits, Fault, Fuel, MemoryReset, Plugin, PluginLimits};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, CustomSection, Function, MemArg};
use wasm_smith::{Config, Module};
use wasmparser::{FunctionBody, Parser, Payload};

use crate::guests;

/// Pieces of modules: magic, names of exports, opcodes of loops, calls and growth.
pub const WORDS: &[&str] = &[
    "\0asm\u{1}\0\0\0",
    "memory",
    "allocate",
    "configure",
    "handle_callback",
    "last_words",
    "callgate.plugin",
    "\u{1}`",
    "\u{3}@",
    "\u{c}\0\u{b}",
    "A\0",
    "@\0",
    "\u{10}\0",
    "\0\u{b}",
    "{\"accepted\":true}",
    "\"abi\":1",
];

/// Small enough for thousands of modules in a second.
fn limits() -> PluginLimits {
    PluginLimits {
        fuel_per_call: Fuel(20_000),
        fuel_to_configure: Fuel(20_000),
        call_within: Duration::from_secs(2),
        memory_bytes_max: 1 << 20,
        table_elements_max: 1000,
        reply_bytes_max: 4096,
        module_bytes_max: 64 << 10,
        ..PluginLimits::default()
    }
}

/// A first byte 0 stands for a module that wasm-smith makes of the rest, with the exports of a plugin. Any other byte
/// stands for the rest itself.
pub fn cast(bytes: &[u8]) {
    let module = match bytes.split_first() {
        Some((0, rest)) => match smith(rest) {
            Some(module) => module,
            None => return,
        },
        Some((_, rest)) => rest.to_vec(),
        None => return,
    };
    let limits = limits();
    let checked = Plugin::check(engine(), &module, &limits);
    let loaded = Plugin::load(engine(), "net", &module, None, "{}", &limits);
    // What is loaded over and over must not be kept over and over.
    engine().forget_functions();
    let Ok(plugin) = loaded else { return };
    assert!(checked.is_ok_and(|manifest| manifest == *plugin.manifest()), "what is loaded has passed the check");
    let first = call(&plugin);
    for _ in 0..2 {
        assert_eq!(call(&plugin), first, "a call knows of the one before it");
    }
}

/// The reply or the fault, the fuel, and the size of the memory; `None` if the clock ended the call.
fn call(plugin: &Plugin) -> Option<(Result<Vec<u8>, Fault>, Fuel, usize)> {
    let budget = plugin.budget(engine(), Duration::from_secs(2));
    let (result, usage) = plugin.call(&[r#"{"body":"#, r#"{"x":1}"#, "}"], budget, <[u8]>::to_vec);
    match result {
        Err(Fault::OutOfTime { .. }) => None,
        Ok(reply) => {
            assert!(reply.len() <= limits().reply_bytes_max);
            Some((Ok(reply), usage.fuel, usage.memory_bytes))
        }
        fault => Some((fault, usage.fuel, usage.memory_bytes)),
    }
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let limits = EngineLimits {
            calls_at_once_max: NonZeroUsize::new(2).expect("two"),
            kept_instances_max: 4,
            memory_bytes_largest: limits().memory_bytes_max,
            table_elements_max: limits().table_elements_max,
            memory_reset: MemoryReset::Auto,
            // So much that time never cuts fuel.
            fuel_per_ms: NonZeroU64::new(1_000_000_000_000),
        };
        Engine::new(&limits).expect("an engine")
    })
}

/// A valid module of the shape of a plugin, with whatever the bytes say inside; `None` if they say too little.
fn smith(bytes: &[u8]) -> Option<Vec<u8>> {
    let config = Config {
        exports: Some(shape().to_vec()),
        max_imports: 0,
        allow_start_export: false,
        // Beside the exported one.
        max_memories: 0,
        max_tables: 1,
        max_funcs: 8,
        max_memory32_bytes: limits().memory_bytes_max as u64,
        max_table_elements: limits().table_elements_max as u64,
        memory64_enabled: false,
        tail_call_enabled: false,
        relaxed_simd_enabled: false,
        reference_types_enabled: false,
        gc_enabled: false,
        // A snapshot cannot be taken of a module that drops segments.
        bulk_memory_enabled: bytes.len().is_multiple_of(4),
        exceptions_enabled: false,
        threads_enabled: false,
        extended_const_enabled: false,
        ..Config::default()
    };
    let module = Module::new(config, &mut Unstructured::new(bytes)).ok()?.to_bytes();
    let replaced = [(index_of("allocate", &module)?, allocate()), (index_of("configure", &module)?, configure())];
    let mut accepting = Accepting { replaced, next: 0 };
    let mut encoded = wasm_encoder::Module::new();
    accepting.parse_core_module(&mut encoded, Parser::new(0), &module).expect("wasm-smith makes valid modules");
    let data = br#"{"abi":1,"name":"net","version":"0"}"#;
    encoded.section(&CustomSection { name: "callgate.plugin".into(), data: data.into() });
    Some(encoded.finish())
}

/// Which function is exported under this name.
fn index_of(name: &str, module: &[u8]) -> Option<u32> {
    Parser::new(0)
        .parse_all(module)
        .find_map(|payload| match payload {
            Ok(Payload::ExportSection(exports)) => exports.into_iter().flatten().find(|export| export.name == name),
            _ => None,
        })
        .map(|export| export.index)
}

/// Copies a module, with other bodies for some functions: hardly any module that is made by chance accepts its
/// settings.
struct Accepting {
    replaced: [(u32, Function); 2],
    next: u32,
}

impl Reencode for Accepting {
    type Error = Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        // There are no imports, so functions are counted from the first body on.
        let number = self.next;
        self.next += 1;
        match self.replaced.iter().find(|(replaced, _)| *replaced == number) {
            Some((_, function)) => drop(code.function(function)),
            None => reencode::utils::parse_function_body(self, code, body)?,
        }
        Ok(())
    }
}

/// Room for all input, in the first page.
fn allocate() -> Function {
    let mut function = Function::new([]);
    function.instructions().i32_const(4096).end();
    function
}

/// Writes a reply that accepts the settings, and says where it is.
fn configure() -> Function {
    const AT: i32 = 1024;
    let reply = br#"{"accepted":true}"#;
    let mut function = Function::new([]);
    for (at, byte) in (AT..).zip(reply) {
        let place = MemArg { offset: 0, align: 0, memory_index: 0 };
        function.instructions().i32_const(at).i32_const(i32::from(*byte)).i32_store8(place);
    }
    function.instructions().i64_const((i64::from(AT) << 32) | reply.len() as i64).end();
    function
}

/// A module with the exports that a plugin has.
fn shape() -> &'static [u8] {
    static SHAPE: OnceLock<Vec<u8>> = OnceLock::new();
    SHAPE.get_or_init(|| {
        let text = r#"(module
            (memory (export "memory") 1)
            (global (export "last_words") i32 (i32.const 0))
            (func (export "allocate") (param i32) (result i32) unreachable)
            (func (export "configure") (param i32 i32) (result i64) unreachable)
            (func (export "handle_callback") (param i32 i32) (result i64) unreachable))"#;
        wat::parse_str(text).expect("the shape can be assembled")
    })
}

/// Guests of the tests, hostile ones among them, and noise for wasm-smith.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    let names = ["marks", "grows", "spins", "panics", "recurses", "lies-about-last-words", "reply-over-the-end"];
    let mut paths: Vec<_> = names.iter().map(|name| guests::text(name)).collect();
    paths.push(guests::replies("net", r#"{"verdict":"allow"}"#));
    for path in paths {
        seeds.push([b"\x01", &std::fs::read(path).expect("the guest is there")[..]].concat());
    }
    for seed in 1..=12_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let noise = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        });
        seeds.push(std::iter::once(0).chain(noise.take(300 * usize::try_from(seed).expect("small"))).collect());
    }
    seeds
}
