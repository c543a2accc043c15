//! A JSON object read field by field: nothing is parsed before a plugin asks for it.
//!
//! A chat server may add members, or send one in a form that its documentation does not show. A plugin that never reads
//! such a member must not fail because of it, so a typed event is a view: each accessor reads one member and fails on
//! its own, with an error that names it.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use crate::command::Kind;
use crate::scan;
pub use crate::scan::Raw;

/// Text, borrowed from the callback where it needs no unescaping.
pub type Text<'a> = Cow<'a, str>;

/// The members of a JSON object, unparsed and in order.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::Object;
/// let object = Object::parse("demo", r#"{"userID":"u1","level":"3","extra":null}"#)?;
/// assert_eq!(object.read::<i64>("level")?, 3); // numbers may arrive as text
/// assert_eq!(object.read::<Option<i64>>("extra")?, None);
/// assert!(object.read::<i64>("userID").is_err());
/// # Ok::<(), plugin_sdk::FieldError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Object<'a> {
    owner: &'static str,
    members: Vec<(Text<'a>, Raw<'a>)>,
    /// Whether a name may occur twice.
    repeats: bool,
    /// Where the next search begins: members are mostly read in order.
    next: Cell<usize>,
}

impl<'a> Object<'a> {
    /// Finds the members of the JSON object `json`; their values are neither parsed nor checked to be JSON.
    ///
    /// `owner` is the command (or the member of a command) that the object belongs to; errors name it.
    ///
    /// # Errors
    /// If `json` is not a JSON object.
    pub fn parse(owner: &'static str, json: &'a str) -> Result<Self, FieldError> {
        let mut members: Vec<(Text<'a>, Raw<'a>)> = Vec::with_capacity(24);
        let (mut seen, mut repeats) = (Seen::default(), false);
        let found = scan::object(json, |name, value| {
            // Only names that share a bit are compared, and only among the first ones, because comparing thousands of
            // members would take quadratic time. Beyond that, the object is searched from its end.
            let may_repeat = seen.add(&name);
            repeats = repeats
                || may_repeat && (members.len() > COMPARED_MAX || members.iter().any(|(known, _)| *known == name));
            members.push((name, value));
        });
        match found {
            Some(()) => Ok(Self { owner, members, repeats, next: Cell::new(0) }),
            None => Err(FieldError::new(owner, "", Problem::WrongType { expected: "an object" })),
        }
    }

    /// The value of a member as written; of several with this name the last, as chat servers read it.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<Raw<'a>> {
        if self.repeats {
            return self.members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value);
        }
        let (before, after) = self.members.split_at_checked(self.next.get()).unwrap_or((&[], &self.members));
        let found = |members: &[(Text<'a>, Raw<'a>)]| members.iter().position(|(key, _)| key == name);
        let index = match found(after) {
            Some(index) => before.len() + index,
            None => found(before)?,
        };
        self.next.set(index + 1);
        self.members.get(index).map(|(_, value)| *value)
    }

    /// Whether the member is present and not `null`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|raw| raw.get() != "null")
    }

    /// Reads one member.
    ///
    /// # Errors
    /// If it is missing or `null` although `T` needs a value, or has another type.
    pub fn read<T: Read<'a>>(&self, name: &'static str) -> Result<T, FieldError> {
        T::read(self.raw(name), name).map_err(|problem| FieldError::new(self.owner, name, problem))
    }

    /// Reads one member that the chat server writes as `null`, or omits, when it is empty.
    ///
    /// # Errors
    /// If it has another type.
    ///
    /// ```
    /// # use callgate_catalogue as plugin_sdk;
    /// use plugin_sdk::Object;
    /// let object = Object::parse("demo", r#"{"users":null}"#)?;
    /// assert!(object.read_or_empty::<Vec<i64>>("users")?.is_empty());
    /// assert!(object.read::<Vec<i64>>("users").is_err());
    /// # Ok::<(), plugin_sdk::FieldError>(())
    /// ```
    pub fn read_or_empty<T: Read<'a> + Default>(&self, name: &'static str) -> Result<T, FieldError> {
        match self.raw(name) {
            Some(raw) if raw.get() != "null" => {
                T::read(Some(raw), name).map_err(|problem| FieldError::new(self.owner, name, problem))
            }
            _ => Ok(T::default()),
        }
    }

    /// All members, in order, including those without an accessor.
    ///
    /// ```
    /// # use callgate_catalogue as plugin_sdk;
    /// use plugin_sdk::Object;
    /// let object = Object::parse("demo", r#"{"a":1,"b":[2]}"#)?;
    /// let members: Vec<_> = object.members().map(|(name, value)| (name, value.get())).collect();
    /// assert_eq!(members, [("a", "1"), ("b", "[2]")]);
    /// # Ok::<(), plugin_sdk::FieldError>(())
    /// ```
    pub fn members(&self) -> impl Iterator<Item = (&str, Raw<'a>)> {
        self.members.iter().map(|(key, value)| (&**key, *value))
    }
}

/// A member that could not be read as the requested type.
///
/// Its text names the command and the member: ``callbackBeforeX: member `userID` is missing``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    owner: &'static str,
    field: &'static str,
    problem: Problem,
}

impl FieldError {
    fn new(owner: &'static str, field: &'static str, problem: Problem) -> Self {
        Self { owner, field, problem }
    }

    /// The member's name as the chat server writes it.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }
}

/// Why a member could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// There is no such member, or it is `null`.
    Missing,
    /// The member is of another type.
    WrongType {
        /// The expected type.
        expected: &'static str,
    },
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.owner)?;
        f.write_str(": ")?;
        if self.field.is_empty() {
            f.write_str("the callback")?;
        } else {
            f.write_str("member `")?;
            f.write_str(self.field)?;
            f.write_str("`")?;
        }
        match self.problem {
            Problem::Missing => f.write_str(" is missing"),
            Problem::WrongType { expected } => {
                f.write_str(" is not ")?;
                f.write_str(expected)
            }
        }
    }
}

impl std::error::Error for FieldError {}

/// A type that a member can be read as.
///
/// Implemented for strings, integers, `bool`, raw JSON, [`Option`] (`None` for a member that is absent or `null`),
/// [`Vec`] and the objects of the platforms' modules.
pub trait Read<'a>: Sized {
    /// The type in the catalogue.
    const KIND: Kind;

    /// Reads a member called `name` from its JSON text; `None` if it is absent.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(raw: Option<Raw<'a>>, name: &'static str) -> Result<Self, Problem>;
}

/// A required value, without OpenIM's documented wrapper `{"value": …}`.
///
/// The real server writes wrapped fields plain; only its documentation shows the object form.
fn scalar(raw: Option<Raw<'_>>) -> Result<Raw<'_>, Problem> {
    let raw = raw.ok_or(Problem::Missing)?;
    let raw = if raw.get().starts_with('{') { unwrap(raw).unwrap_or(raw) } else { raw };
    if raw.get() == "null" { Err(Problem::Missing) } else { Ok(raw) }
}

fn unwrap(raw: Raw<'_>) -> Option<Raw<'_>> {
    let (mut members, mut value) = (0, None);
    scan::object(raw.get(), |name, raw| {
        members += 1;
        value = (name == "value").then_some(raw);
    })?;
    value.filter(|_| members == 1)
}

impl<'a> Read<'a> for Text<'a> {
    const KIND: Kind = Kind::Text;

    fn read(raw: Option<Raw<'a>>, _: &'static str) -> Result<Self, Problem> {
        scalar(raw)?.unescaped().ok_or(Problem::WrongType { expected: "text" })
    }
}

impl<'a> Read<'a> for bool {
    const KIND: Kind = Kind::Bool;

    fn read(raw: Option<Raw<'a>>, _: &'static str) -> Result<Self, Problem> {
        match scalar(raw)?.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Problem::WrongType { expected: "true or false" }),
        }
    }
}

macro_rules! read_whole_numbers {
    ($($number:ty: $kind:ident),*) => {$(
        impl<'a> Read<'a> for $number {
            const KIND: Kind = Kind::$kind;

            fn read(raw: Option<Raw<'a>>, _: &'static str) -> Result<Self, Problem> {
                let json = scalar(raw)?.get();
                let digits = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(json);
                digits.parse().map_err(|_| Problem::WrongType {
                    expected: concat!("a whole number (", stringify!($number), ")"),
                })
            }
        }
    )*};
}
read_whole_numbers!(i32: Int32, i64: Int64, u32: Uint32, u64: Uint64);

impl<'a> Read<'a> for Raw<'a> {
    const KIND: Kind = Kind::Any;

    fn read(raw: Option<Raw<'a>>, _: &'static str) -> Result<Self, Problem> {
        raw.ok_or(Problem::Missing)
    }
}

impl<'a, T: Read<'a>> Read<'a> for Option<T> {
    const KIND: Kind = Kind::Optional(&T::KIND);

    fn read(raw: Option<Raw<'a>>, name: &'static str) -> Result<Self, Problem> {
        match T::read(raw, name) {
            Ok(value) => Ok(Some(value)),
            Err(Problem::Missing) => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}

impl<'a, T: Read<'a>> Read<'a> for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);

    fn read(raw: Option<Raw<'a>>, name: &'static str) -> Result<Self, Problem> {
        const EXPECTED: Problem = Problem::WrongType { expected: "a list of such elements" };
        let json = raw.ok_or(Problem::Missing)?.get();
        if json == "null" {
            return Err(Problem::Missing);
        }
        let mut elements = Ok(Vec::new());
        let found = scan::list(json, |element| {
            if let Ok(read) = &mut elements {
                match T::read(Some(element), name) {
                    Ok(element) => read.push(element),
                    Err(_) => elements = Err(EXPECTED),
                }
            }
        });
        found.ok_or(EXPECTED)?;
        elements
    }
}

impl<'a> Read<'a> for Object<'a> {
    const KIND: Kind = Kind::Any;

    fn read(raw: Option<Raw<'a>>, name: &'static str) -> Result<Self, Problem> {
        let json = raw.ok_or(Problem::Missing)?.get();
        if json == "null" {
            return Err(Problem::Missing);
        }
        Object::parse(name, json).map_err(|_| Problem::WrongType { expected: "an object" })
    }
}

/// Members that a new name is compared with.
const COMPARED_MAX: usize = 64;

/// Sets one of 512 bits for each name so far: among twenty names, two rarely share a bit.
#[derive(Default)]
struct Seen([u64; 8]);

impl Seen {
    /// Adds a name, and returns whether an earlier one may have been the same.
    #[inline]
    fn add(&mut self, name: &str) -> bool {
        // A hash of properties that are cheap to read, spread over all bits.
        let byte = |byte: Option<&u8>| u32::from(byte.copied().unwrap_or_default());
        let bytes = name.as_bytes();
        let looks = byte(bytes.first()) | byte(bytes.last()) << 8 | byte(bytes.get(bytes.len() / 2)) << 16;
        let spread = (looks ^ (bytes.len() as u32) << 24).wrapping_mul(0x9e37_79b1) >> 23;
        let Some(bits) = self.0.get_mut(spread as usize / 64) else { return true };
        let bit = 1 << (spread % 64);
        let known = *bits & bit != 0;
        *bits |= bit;
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_members_with_one_name_the_last_counts() {
        let object = Object::parse("demo", r#"{"a":1,"b":2,"a":3}"#).unwrap();
        assert_eq!(object.read::<i32>("a"), Ok(3));
        assert_eq!(object.members().count(), 3, "all are shown");
    }

    #[test]
    fn members_are_found_in_any_order_and_again() {
        let json: Vec<String> = (0..200).map(|i| format!("\"m{i}\":{i}")).collect();
        let json = format!("{{{}}}", json.join(","));
        let object = Object::parse("demo", &json).unwrap();
        assert_eq!(object.members().count(), 200);
        for (name, value) in [("m7", 7), ("m199", 199), ("m0", 0), ("m0", 0), ("m100", 100)] {
            assert_eq!(object.read::<i32>(name), Ok(value));
        }
        assert_eq!(object.read::<i32>("m200").unwrap_err().to_string(), "demo: member `m200` is missing");
    }

    #[test]
    fn an_object_of_very_many_members_does_not_cost_their_square() {
        // All names have the same bit. At a nanosecond per pair this would take minutes.
        let json: Vec<String> = (0..500_000).map(|i| format!("\"a{i:06}b\":{i}")).collect();
        let json = format!("{{{}}}", json.join(","));
        let object = Object::parse("demo", &json).unwrap();
        assert_eq!(object.read::<i32>("a499999b"), Ok(499_999));
        assert_eq!(object.read::<i32>("a000000b"), Ok(0));
    }
}
