//! Modules that must be signed.

use std::path::Path;

use harness::{Setup, guests, setup};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// A key of minisign, from a seed.
struct Key(Ed25519KeyPair, [u8; 8]);

impl Key {
    fn of(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap(), [seed; 8])
    }

    /// Its public half, as in the second line of minisign's file.
    fn public(&self) -> String {
        base64(&[b"Ed", &self.1[..], self.0.public_key().as_ref()].concat())
    }

    /// The signature of a module, as minisign writes it in its older form.
    fn sign(&self, module: &[u8]) -> String {
        let signature = self.0.sign(module);
        let comment = "timestamp:1700000000";
        let global = self.0.sign(&[signature.as_ref(), comment.as_bytes()].concat());
        let signature = base64(&[b"Ed", &self.1[..], signature.as_ref()].concat());
        format!("untrusted comment: x\n{signature}\ntrusted comment: {comment}\n{}\n", base64(global.as_ref()))
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn module(code: u32) -> Vec<u8> {
    let path = guests::replies("denies", &format!(r#"{{"verdict":"deny","code":{code},"message":"no"}}"#));
    std::fs::read(path).unwrap()
}

/// Settings with these keys, and a plugin that is or is not signed.
fn with(keys: &[&Key], signature: Option<&str>, toml: &str) -> Setup {
    let keys: Vec<String> = keys.iter().map(|key| format!("\"{}\"", key.public())).collect();
    let setup = setup().tables(&format!("[modules]\npublic_keys = [{}]", keys.join(", ")));
    let setup = setup.file("p.wasm", module(5001)).plugin("p", "p.wasm", "*", toml);
    match signature {
        Some(signature) => setup.file("p.wasm.minisig", signature),
        None => setup,
    }
}

fn refused(setup: &Setup) -> String {
    setup.try_start().err().expect("it is refused").to_string()
}

#[test]
fn a_module_that_one_of_the_keys_has_signed_is_taken_and_no_other() {
    let (ours, other) = (Key::of(1), Key::of(2));
    let signed = ours.sign(&module(5001));
    with(&[&ours], Some(&signed), "").start();
    with(&[&other, &ours], Some(&signed), "").start();
    with(&[&ours], None, "signature = \"elsewhere\"").file("elsewhere", signed.as_str()).start();
    for (setup, part) in [
        (
            with(&[&ours], None, ""),
            "p.wasm.minisig cannot be read (No such file or directory (os error 2)): sign the module",
        ),
        (with(&[&other], Some(&signed), ""), "it was made with another key"),
        (with(&[&ours, &other], Some(&ours.sign(&module(5002))), ""), "The signature verification failed"),
        (with(&[&ours], Some("rubbish"), ""), "p.wasm.minisig is no signature of this module"),
        (with(&[&ours], Some(&signed.replace("170", "180")), ""), "The signature verification failed"),
        (with(&[&ours], Some(&"x".repeat(20_000)), ""), "it has 20000 bytes, and at most 16384 are allowed"),
    ] {
        let error = refused(&setup);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn what_is_built_from_a_crate_is_not_signed() {
    let source = guests::repository().join("plugins/mirror-profile");
    let table = format!("[modules]\npublic_keys = [\"{}\"]\n", Key::of(1).public());
    let toml = format!(
        "{}[[plugin]]\nname = \"m\"\nsource = \"{}\"\nplatform = \"tencent-chat\"\ncommands = [\"Profile.CallbackPortraitSet\"]\n",
        setup().tables(&table).toml(),
        source.display()
    );
    let settings = callgate::Settings::parse(Path::new("host.toml"), &toml).unwrap();
    let error = callgate::Host::start(settings, &mut ()).unwrap_err().to_string();
    assert!(error.contains("what is built from a crate is not signed: name a signed module under `wasm`"), "{error}");
}

#[test]
fn a_reload_demands_signatures_also_of_what_is_in_service() {
    let (ours, other) = (Key::of(1), Key::of(2));
    let signed = ours.sign(&module(5001));
    let host = with(&[&ours], Some(&signed), "").start();
    assert!(!host.reload().unwrap().is_new);
    // A key that is not trusted any more.
    host.write("host.toml", with(&[&other], None, "").toml());
    assert!(host.reload().unwrap_err()[0].contains("it was made with another key"));
    host.write("host.toml", with(&[&ours], None, "").toml());
    host.write("p.wasm", module(5002));
    assert!(host.reload().unwrap_err()[0].contains("The signature verification failed"));
    host.write("p.wasm.minisig", ours.sign(&module(5002)));
    assert!(host.reload().unwrap().is_new);
    std::fs::remove_file(host.path("p.wasm.minisig")).unwrap();
    assert!(host.reload().unwrap_err()[0].contains("cannot be read"));
}
