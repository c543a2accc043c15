//! Members shared by several commands, declared once.

/// Names groups of members. A request, an object or a list of changes includes a group with `..group;`, several with
/// `..one, other;`, and a group can include others. The leading `$` is the one used by the macros it generates.
macro_rules! members {
    ($d:tt $( $(#[$doc:meta])* $group:ident { $($members:tt)* } )*) => {$(
        $(#[$doc])*
        macro_rules! $group {
            ($d to:tt $d head:tt $d done:tt { $d($d rest:tt)* }) => {
                $crate::macros::members::spliced! { $d to $d head $d done { $($members)* $d($d rest)* } }
            };
        }
        #[allow(unused_imports, reason = "a group can be used in its own file only")]
        pub(super) use $group;
    )*};
}

/// Replaces each `..group;` by the members of the group, then passes all of them to the macro at the path `$to`, after
/// `$head`.
macro_rules! spliced {
    ([$($to:tt)*] $head:tt [$($done:tt)*] {
        $( $(#[$doc:meta])* $member:ident: $ty:ty = $wire:literal $($how:ident)? $($shown_as:literal)?; )*
    }) => {
        $($to)*! {
            $head { $($done)* $( $(#[$doc])* $member: $ty = $wire $($how)? $($shown_as)?; )* }
        }
    };
    ($to:tt $head:tt [$($done:tt)*] {
        $( $(#[$doc:meta])* $member:ident: $ty:ty = $wire:literal $($how:ident)? $($shown_as:literal)?; )*
        ..$group:ident $(, $more:ident)*; $($rest:tt)*
    }) => {
        $group! {
            $to $head [$($done)* $( $(#[$doc])* $member: $ty = $wire $($how)? $($shown_as)?; )*]
            { $( ..$more; )* $($rest)* }
        }
    };
}

macro_rules! read {
    ($body:expr, $wire:literal,) => {
        $body.read($wire)
    };
    ($body:expr, $wire:literal, or_empty) => {
        $body.read_or_empty($wire)
    };
}

macro_rules! optional {
    () => {
        None
    };
    ($value:literal) => {
        Some($value)
    };
}

macro_rules! list {
    () => {
        &[]
    };
    ($list:tt) => {
        &$list
    };
}

pub(crate) use {list, members, optional, read, spliced};
