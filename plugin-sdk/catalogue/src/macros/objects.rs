//! Objects inside events and answers.

/// Defines objects inside events.
macro_rules! objects {
    ($( $(#[$doc:meta])* $name:ident { $($members:tt)* } )*) => {$(
        $crate::macros::members::spliced! {
            [$crate::macros::objects::object] { $(#[$doc])* $name } [] { $($members)* }
        }
    )*};
}

/// Defines one object; its groups of members are spliced in.
macro_rules! object {
    ({ $(#[$doc:meta])* $name:ident } {
        $( $(#[$field_doc:meta])* $field:ident: $ty:ty = $wire:literal $($or_empty:ident)?; )*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name<'a> {
            body: $crate::object::Object<'a>,
        }

        impl<'a> $crate::object::Read<'a> for $name<'a> {
            const KIND: $crate::command::Kind = $crate::command::Kind::Object(&[
                $($crate::command::Member { name: $wire, kind: <$ty as $crate::object::Read<'a>>::KIND }),*
            ]);

            fn read(raw: Option<$crate::object::Raw<'a>>, name: &'static str) -> Result<Self, $crate::object::Problem> {
                <$crate::object::Object<'a> as $crate::object::Read<'a>>::read(raw, name).map(|body| Self { body })
            }
        }

        impl<'a> $name<'a> {
            /// The members as received, including those without an accessor.
            #[must_use]
            pub fn body(&self) -> &$crate::object::Object<'a> {
                &self.body
            }

            $(
                $(#[$field_doc])*
                #[doc = concat!("`", $wire, "`.")]
                ///
                /// # Errors
                /// If the member has another type, or a required member is missing.
                pub fn $field(&self) -> Result<$ty, $crate::object::FieldError> {
                    $crate::macros::members::read!(self.body, $wire, $($or_empty)?)
                }
            )*
        }
    };
}

/// Defines objects in an answer: plain structs, always written in full.
macro_rules! new_objects {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$field_doc:meta])* $field:ident: $ty:ty = $wire:literal, $kind:expr; )*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
        pub struct $name {
            $(
                $(#[$field_doc])*
                #[doc = concat!("`", $wire, "`.")]
                #[serde(rename = $wire)]
                pub $field: $ty,
            )*
        }

        impl $crate::events::NewValue for $name {
            const KIND: $crate::command::Kind = $crate::command::Kind::Object(&[
                $($crate::command::Member { name: $wire, kind: $kind }),*
            ]);

            fn into_json(self) -> $crate::verdict::Json {
                $crate::verdict::Json::infallible(&self)
            }
        }
    )*};
}

pub(crate) use {new_objects, object, objects};
