//! The two steps that every request goes through: its head is checked, then its body is parsed.

use callgate_catalogue::Object;
use callgate_catalogue::object::Raw;

use crate::body::Body;
use crate::callback::{Callback, object};
use crate::dialect::{Dialect, Identity};
use crate::head::Head;
use crate::refusal::{BATCH_MAX, Refusal};

/// A request whose head a dialect has checked: it comes from this chat server, and its body is worth reading.
#[derive(Debug)]
pub struct Admitted<'d> {
    dialect: &'d dyn Dialect,
    head: Head,
}

impl<'d> Admitted<'d> {
    /// Checks path, method, content type and the caller's authentication.
    ///
    /// # Errors
    /// What the caller did wrong.
    pub fn check(dialect: &'d dyn Dialect, head: Head) -> Result<Self, Refusal> {
        dialect.check(&head)?;
        Ok(Self { dialect, head })
    }

    /// Parses the body and finds its command.
    ///
    /// # Errors
    /// What is wrong with the body, or with the command's name.
    pub fn open(self, body: impl Into<bytes::Bytes>) -> Result<Callback, Refusal> {
        let body = Body::new(body)?;
        let Identity { name, command, operation_id, client_address } = {
            let members = object(body.as_str())?;
            let identity = self.dialect.identify(&self.head, &members)?;
            if let Some(list) = identity.command.and_then(|command| command.batch) {
                check_batch(&members, list)?;
            }
            identity
        };
        let is_secret = |name: &str| self.dialect.secret_parameters().iter().any(|it| name.eq_ignore_ascii_case(it));
        let query = self.head.query.into_iter().filter(|(name, _)| !is_secret(name)).collect();
        let name = command.map_or(name.into(), |command| command.name.into());
        let arrived_unix_ms = self.head.arrived_unix_ms;
        Ok(Callback { name, command, operation_id, client_address, query, body, arrived_unix_ms })
    }
}

/// Checks that a request does not have too many callbacks, and that each is an object, on which plugins rely.
fn check_batch(members: &Object<'_>, list: &'static str) -> Result<(), Refusal> {
    let elements = members.read_or_empty::<Vec<Raw<'_>>>(list).unwrap_or_default();
    if elements.len() > BATCH_MAX {
        return Err(Refusal::BatchTooLong);
    }
    match elements.iter().all(|element| element.get().starts_with('{')) {
        true => Ok(()),
        false => Err(Refusal::NotObject),
    }
}
