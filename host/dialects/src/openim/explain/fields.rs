//! The structs that OpenIM decodes answers into, as Go types.

use callgate_catalogue::catalogue::{Change, Command, Kind, Rule};

use super::go::Type;

/// The members that every answer has: open-im-server pkg/callbackstruct/common.go:59-65.
const COMMON: [(&str, Type); 5] = [
    ("actionCode", Type::Int(32)),
    ("errCode", Type::Int(32)),
    ("errMsg", Type::Text),
    ("errDlt", Type::Text),
    ("nextCode", Type::Int(32)),
];

/// The older group update, whose answer has plain strings.
pub(super) const GROUP_UPDATE: &str = "callbackBeforeSetGroupInfoCommand";

/// The newer group update, whose answer has pointers.
pub(super) const GROUP_UPDATE_EX: &str = "callbackBeforeSetGroupInfoExCommand";

/// The list of members who join a group.
pub(super) const MEMBERS: &str = "memberCallbackList";

/// What a push shows on a device. The request embeds it; of a message it shows none.
pub(super) const PUSH_INFO: &str = "offlinePushInfo";

/// The fields of a command's answer, in the order of the struct.
pub(super) fn fields(command: &Command) -> Vec<(&'static str, Type)> {
    let changes = command.changes.iter().map(|change| (change.name, field(command, change)));
    COMMON.into_iter().chain(changes).collect()
}

/// The field of a change. Nearly all are pointers, so that null differs from empty.
pub(super) fn field(command: &Command, change: &Change) -> Type {
    let plain = match change.name {
        "msgDataList" => return Type::pointer(Type::Bytes),
        MEMBERS => return Type::list(Type::pointer(pointers(plain(element(change.kind))))),
        _ => plain(change.kind),
    };
    let is_plain = match change.rule {
        Rule::NonEmpty => true,
        Rule::Copied => command.name == GROUP_UPDATE || change.name == "groupID",
        Rule::NonNull | Rule::IfShown | Rule::Ignored | Rule::Crashes => false,
    };
    if is_plain { plain } else { Type::pointer(plain) }
}

fn element(kind: Kind) -> Kind {
    match kind {
        Kind::List(element) => *element,
        other => other,
    }
}

/// The struct with a pointer for each member, such as that of joining members.
fn pointers(of: Type) -> Type {
    match of {
        Type::Struct(fields) => {
            let pointer = |of| if matches!(of, Type::Pointer(_)) { of } else { Type::pointer(of) };
            Type::Struct(fields.into_iter().map(|(name, of)| (name, pointer(of))).collect())
        }
        other => other,
    }
}

/// The type without a pointer around it. Structs in lists are reached through pointers.
pub(super) fn plain(kind: Kind) -> Type {
    match kind {
        // Only the call site parses the string.
        Kind::Text | Kind::JsonText => Type::Text,
        Kind::Int32 => Type::Int(32),
        Kind::Int64 => Type::Int(64),
        Kind::Uint32 => Type::Uint(32),
        Kind::Uint64 => Type::Uint(64),
        Kind::Bool => Type::Bool,
        Kind::Any => Type::Any,
        Kind::Optional(kind) => Type::pointer(plain(*kind)),
        Kind::List(kind) => match plain(*kind) {
            structure @ Type::Struct(_) => Type::list(Type::pointer(structure)),
            other => Type::list(other),
        },
        Kind::Map(kind) => Type::Map(Box::new(plain(*kind))),
        Kind::Object(members) | Kind::Open(members) => {
            Type::Struct(members.iter().map(|member| (member.name, plain(member.kind))).collect())
        }
    }
}
