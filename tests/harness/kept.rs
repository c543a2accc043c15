//! Entries and records for tests that need only some of their members.

use std::sync::Arc;

use callgate_journal::{NewEntry, NewRecord};
use hyper::body::Bytes;

/// An entry with this key and body.
pub fn entry(key: impl Into<String>, body: impl Into<Bytes>) -> NewEntry {
    NewEntry {
        platform: Arc::from("chat"),
        command: Arc::from("afterSend"),
        key: key.into(),
        duplicate_key: None,
        head: "head".to_owned(),
        body: body.into(),
        received_unix_ms: 0,
    }
}

/// A record with this key and data (JSON). It never gets too old.
pub fn record(key: impl Into<String>, data: impl Into<String>) -> NewRecord {
    NewRecord {
        topic: "all".to_owned(),
        key: key.into(),
        platform: Arc::from("chat"),
        command: Arc::from("afterSend"),
        plugin: Arc::from("mirror"),
        sha256: Arc::from("00ff"),
        at_unix_ms: i64::MAX / 2,
        traceparent: None,
        data: data.into(),
    }
}
