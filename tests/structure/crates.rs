//! Which crate may know which: read from cargo.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::repository;

/// A crate of the workspace.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// What it depends on in every build, not only in tests or for its build script.
    dependencies: Vec<String>,
}

/// All crates of the workspace.
pub(crate) fn members() -> Vec<Member> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let member = |package: &Value| Member {
        name: text(&package["name"]),
        folder: Path::new(&text(&package["manifest_path"])).parent().expect("a folder").to_owned(),
        dependencies: package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| text(&dependency["name"]))
            .collect(),
    };
    packages.iter().map(member).collect()
}

/// All crates that building this one compiles, whatever its features, apart from itself.
fn compiled_for(name: &str) -> Vec<String> {
    let tree = cargo(&["tree", "--package", name, "--edges", "normal,build", "--all-features", "--prefix", "none"]);
    let names = tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned);
    let mut names: Vec<String> = names.filter(|found| found != name).collect();
    names.sort();
    names.dedup();
    names
}

fn cargo(arguments: &[&str]) -> String {
    let cargo =
        Command::new(env!("CARGO")).args(arguments).args(["--offline", "--locked"]).current_dir(repository()).output();
    let output = cargo.expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Fails if building `name` compiles one of `unwanted`.
fn never_compiles(name: &str, unwanted: &[&str]) {
    let compiled = compiled_for(name);
    let found: Vec<_> = compiled.iter().filter(|found| unwanted.contains(&found.as_str())).collect();
    assert!(found.is_empty(), "{name} compiles {found:?}");
}

/// Crates of the host: what an author's plugin has nothing to do with.
fn host_crates() -> Vec<String> {
    let folder = repository().join("host");
    let members = members().into_iter().filter(|member| member.folder.starts_with(&folder));
    members.map(|member| member.name).collect()
}

#[test]
fn dialects_know_neither_the_sandbox_nor_the_server() {
    never_compiles("callgate-dialects", &["callgate-sandbox", "wasmtime", "axum", "hyper", "tokio"]);
}

#[test]
fn the_sandbox_has_not_heard_of_http() {
    never_compiles("callgate-sandbox", &["callgate-dialects", "axum", "hyper", "http", "tokio"]);
}

#[test]
fn the_journal_knows_no_other_crate_of_the_host() {
    let host = host_crates();
    let unwanted: Vec<_> = host.iter().map(String::as_str).filter(|name| *name != "callgate-journal").collect();
    never_compiles("callgate-journal", &[&unwanted[..], &["axum", "wasmtime"]].concat());
}

#[test]
fn only_the_journal_depends_on_sqlite() {
    for member in members().iter().filter(|member| member.name != "callgate-tests") {
        let depends = member.dependencies.iter().any(|name| name == "rusqlite");
        assert_eq!(depends, member.name == "callgate-journal", "{}", member.name);
    }
}

#[test]
fn facts_know_no_other_crate_of_the_host() {
    let host = host_crates();
    let unwanted: Vec<_> = host.iter().map(String::as_str).filter(|name| *name != "callgate-facts").collect();
    never_compiles("callgate-facts", &[&unwanted[..], &["axum", "wasmtime", "rusqlite"]].concat());
}

#[test]
fn only_facts_depend_on_redis() {
    for member in members().iter().filter(|member| member.name != "callgate-tests") {
        let depends = member.dependencies.iter().any(|name| name == "redis");
        assert_eq!(depends, member.name == "callgate-facts", "{}", member.name);
    }
}

#[test]
fn only_the_sandbox_depends_on_wasmtime() {
    for member in members().iter().filter(|member| member.name != "callgate-tests") {
        let depends = member.dependencies.iter().any(|name| name.starts_with("wasmtime"));
        assert_eq!(depends, member.name == "callgate-sandbox", "{}", member.name);
    }
}

#[test]
fn the_catalogue_needs_only_the_family_of_serde() {
    let name = "callgate-catalogue";
    const FAMILY: &[&str] = &[
        "serde",
        "serde_core",
        "serde_derive",
        "serde_json", // themselves
        "foldhash",
        "hashbrown",
        "indexmap",
        "equivalent",
        "itoa",
        "memchr",
        "zmij", // serde_json's
        "proc-macro2",
        "quote",
        "syn",
        "unicode-ident", // serde_derive's
    ];
    let strangers: Vec<_> = compiled_for(name).into_iter().filter(|found| !FAMILY.contains(&found.as_str())).collect();
    assert!(strangers.is_empty(), "{name} compiles {strangers:?}");
}

#[test]
fn plugins_compile_no_crate_of_the_host() {
    let host = host_crates();
    assert!(host.len() > 3, "{host:?}");
    let unwanted: Vec<_> = host.iter().map(String::as_str).chain(["callgate-tests", "wasmtime"]).collect();
    never_compiles("callgate-plugin-sdk", &unwanted);
    let plugins = repository().join("plugins");
    for member in members().iter().filter(|member| member.folder.starts_with(&plugins)) {
        never_compiles(&member.name, &unwanted);
    }
}
