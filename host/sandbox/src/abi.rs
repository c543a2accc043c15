//! Copies bytes into and out of a guest. Every address and length that a guest returns is checked.

use callgate_catalogue::wire::{LAST_WORDS_BYTES_MAX, unpack};
use wasmtime::{AsContext, AsContextMut, Memory, TypedFunc};

use super::fault::Fault;
use callgate_catalogue::line::one_line;

/// Why bytes could not be exchanged with the guest.
pub(crate) enum Crossing {
    /// The guest trapped.
    Trapped(wasmtime::Error),
    /// The guest broke the contract.
    Broken(Fault),
}

impl From<wasmtime::Error> for Crossing {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trapped(error)
    }
}

/// The guest functions that move bytes.
#[derive(Clone)]
pub(crate) struct Abi {
    pub(crate) memory: Memory,
    pub(crate) allocate: TypedFunc<u32, u32>,
}

/// An exported function of a guest that takes a text and returns one.
pub(crate) type TextFunc = TypedFunc<(u32, u32), i64>;

/// Which of a plugin's functions is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `handle_callback`: the verdict on a callback.
    Handle,
    /// `needs`: the facts that this verdict requires.
    Needs,
}

impl Abi {
    /// Passes the concatenated `parts` to this function of the guest and calls `read` with its reply, in place.
    pub(crate) fn call<T>(
        &self,
        mut store: impl AsContextMut,
        function: &TextFunc,
        parts: &[&str],
        reply_bytes_max: usize,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, Crossing> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let len = u32::try_from(len).map_err(|_| invalid("a callback of 4 GiB cannot be handed over"))?;
        let ptr = self.allocate.call(&mut store, len)?;
        self.write(&mut store, ptr, parts)?;
        let packed = function.call(&mut store, (ptr, len))?;
        self.read(&store, packed, reply_bytes_max).map(read)
    }

    fn write(&self, mut store: impl AsContextMut, ptr: u32, parts: &[&str]) -> Result<(), Crossing> {
        let mut room = self
            .memory
            .data_mut(&mut store)
            .get_mut(ptr as usize..)
            .ok_or_else(|| invalid("`allocate` returned an address outside of the memory"))?;
        for part in parts {
            let (to, rest) = room
                .split_at_mut_checked(part.len())
                .ok_or_else(|| invalid("`allocate` returned too little room before the end of the memory"))?;
            to.copy_from_slice(part.as_bytes());
            room = rest;
        }
        Ok(())
    }

    fn read<'s>(&self, store: &'s impl AsContext, packed: i64, reply_bytes_max: usize) -> Result<&'s [u8], Crossing> {
        let (ptr, len) = unpack(packed);
        if len as usize > reply_bytes_max {
            let fault = Fault::ReplyTooLarge { bytes: u64::from(len), bytes_max: reply_bytes_max };
            return Err(Crossing::Broken(fault));
        }
        self.memory
            .data(store)
            .get(ptr as usize..)
            .and_then(|from| from.get(..len as usize))
            .ok_or_else(|| invalid("the reply's address lies outside of the memory"))
    }
}

pub(crate) fn invalid(why: &str) -> Crossing {
    Crossing::Broken(Fault::ReplyInvalid { why: why.to_owned(), detail: String::new() })
}

/// The panic message that a guest left at `address`, if any.
pub(crate) fn last_words(memory: &[u8], address: u32) -> Option<String> {
    let at = memory.get(address as usize..)?;
    let (len, text) = at.split_first_chunk::<4>()?;
    let len = u32::from_le_bytes(*len) as usize;
    let text = text.get(..len.min(LAST_WORDS_BYTES_MAX))?;
    let words = one_line(String::from_utf8_lossy(text).trim_matches(|c: char| c.is_control() || c.is_whitespace()));
    (!words.is_empty()).then_some(words)
}
