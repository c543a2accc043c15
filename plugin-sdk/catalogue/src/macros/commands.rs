//! Commands as types.

/// Defines the commands of one family: the typed events, their changes, and the entries of the catalogue.
macro_rules! commands {
    ($protocol:expr; $(
        $(#[$doc:meta])*
        $name:ident = $command:literal, $phase:ident, $answers:ident, $family:literal {
            key $key:tt; source $source:literal;
            request { $($request:tt)* }
            $( batch $batch:literal )?
            $( echo $echo:tt )?
            $( changes $changes:tt )?
            $( unsettable $unsettable:tt )?
        }
    )*) => {
        /// The commands of this family, in the order of this page.
        pub(super) const COMMANDS: &[&$crate::command::Command] = &[
            $(<$name<'static> as $crate::events::Event<'static>>::COMMAND),*
        ];

        $(
            $crate::macros::members::spliced! {
                [$crate::macros::commands::command_with_request]
                {
                    {
                        { $(#[$doc])* } $name = $command, $phase, $answers, $family
                        $protocol, $key $source [$($batch)?] [$($echo)?] [$($unsettable)?]
                    }
                    [$($changes)?]
                }
                [] { $($request)* }
            }
        )*
    };
}

/// One command whose request is spliced: continues with its changes, if any.
macro_rules! command_with_request {
    ({ $head:tt [] } $request:tt) => {
        $crate::macros::commands::command! { { $head $request } }
    };
    ({ $head:tt [{ $($changes:tt)* }] } $request:tt) => {
        $crate::macros::members::spliced! { [$crate::macros::commands::command] { $head $request } [] { $($changes)* } }
    };
}

/// Defines one command; its groups of members are spliced in.
macro_rules! command {
    (
        {
            {
                { $(#[$doc:meta])* } $name:ident = $command:literal, $phase:ident, $answers:ident, $family:literal
                $protocol:expr, $key:tt $source:literal [$($batch:literal)?] [$($echo:tt)?]
                [$( { $( $refused:literal: $refused_ty:ty, $refused_rule:ident $why_not:literal; )* } )?]
            }
            { $( $(#[$field_doc:meta])* $field:ident: $ty:ty = $wire:literal $($or_empty:ident)?; )* }
        }
        $( {
            $( $(#[$change_doc:meta])* $setter:ident: $change_ty:ty = $change:literal $rule:ident $($shown_as:literal)?; )*
        } )?
    ) => {
        $(#[$doc])*
        #[doc = ""]
        #[doc = concat!("`", $command, "`. Source: ", $source, ".")]
        #[derive(Debug, Clone)]
        pub struct $name<'a> {
            body: $crate::object::Object<'a>,
        }

        impl<'a> $crate::events::Event<'a> for $name<'a> {
            const COMMAND: &'static $crate::command::Command = &$crate::command::Command {
                name: $command,
                rust_name: stringify!($name),
                protocol: $protocol,
                phase: $crate::wire::Phase::$phase,
                family: $family,
                request: &[$($crate::command::Member { name: $wire, kind: <$ty as $crate::object::Read<'a>>::KIND }),*],
                changes: &[$($($crate::command::Change {
                    name: $change,
                    kind: <$change_ty as $crate::events::NewValue>::KIND,
                    rule: $crate::command::Rule::$rule,
                    shown_as: $crate::macros::members::optional!($($shown_as)?),
                    why_not: "",
                },)*)? $($($crate::command::Change {
                    name: $refused,
                    kind: <$refused_ty as $crate::events::NewValue>::KIND,
                    rule: $crate::command::Rule::$refused_rule,
                    shown_as: None,
                    why_not: $why_not,
                },)*)?],
                echo: $crate::macros::members::list!($($echo)?),
                answers: $crate::command::Answers::$answers,
                key: &$key,
                source: $source,
                batch: $crate::macros::members::optional!($($batch)?),
            };

            fn from_body(body: &'a str) -> Result<Self, $crate::object::FieldError> {
                $crate::object::Object::parse($command, body).map(|body| Self { body })
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

            $crate::macros::verdicts::verdicts!($answers);
        }

        $(
            impl<'a> $name<'a> {
                /// Starts a modification of the operation.
                pub fn modify(&self) -> $crate::events::Modify<'_, 'a, Self> {
                    $crate::events::Modify::new(&self.body)
                }
            }

            impl<'a> $crate::events::Modify<'_, 'a, $name<'a>> {
                $(
                    $(#[$change_doc])*
                    #[doc = concat!("Replaces `", $change, "`.")]
                    pub fn $setter(self, value: impl Into<$change_ty>) -> Self {
                        let value: $change_ty = value.into();
                        self.set($change, $crate::command::Rule::$rule, $crate::macros::members::optional!($($shown_as)?), value)
                    }
                )*
            }
        )?
    };
}

pub(crate) use {command, command_with_request, commands};
