//! Judgements of the moderation.

use crate::macros::commands::commands;
use crate::macros::objects::objects;
use crate::object::Text;

use super::members::*;

commands! {
    NAME;

    /// Sent when Tencent's moderation has judged a message, a profile, a group or a relation.
    ContentCallbackResultNotify = "ContentCallback.ResultNotify", After, AFTER, "moderation" {
        key ["CtxcbRequestId"]; source "www.tencentcloud.com/document/product/1047/78240";
        request {
            /// Where it was: `C2C`, `C2CCustom`, `Group`, `GroupCustom`, `GroupInfo`, `GroupMemberInfo`,
            /// `RelationChain` or `UserInfo`.
            scene: Text<'a> = "Scene";
            /// ID of the application.
            sdk_app_id: i64 = "SdkAppId";
            ..from_account;
            /// Whom the content was for.
            contact_item: ContactItem<'a> = "ContactItem";
            /// `Text`, `Image`, `Audio` or `Video`.
            content_type: Text<'a> = "ContentType";
            /// The texts.
            text_content: Vec<Text<'a>> = "TextContent" or_empty;
            /// Address of the file.
            file_url: Option<Text<'a>> = "FileURL";
            /// ID of the message.
            msg_id: Option<Text<'a>> = "MsgID";
            /// 1 blocked, 0 passed.
            ctxcb_result: i64 = "CtxcbResult";
            /// ID of the judgement.
            ctxcb_request_id: Text<'a> = "CtxcbRequestId";
            /// Words that were found.
            ctxcb_keywords: Vec<Text<'a>> = "CtxcbKeywords" or_empty;
            /// What is suggested.
            ctxcb_suggestion: Text<'a> = "CtxcbSuggestion";
            /// What it was judged to be.
            ctxcb_label: Text<'a> = "CtxcbLabel";
            /// The same, in more detail.
            ctxcb_sub_label: Option<Text<'a>> = "CtxcbSubLabel";
            /// The detail in words.
            ctxcb_sub_label_desc: Option<Text<'a>> = "CtxcbSubLabelDesc";
            /// Name of the word list that matched.
            ctxcb_lib_name: Option<Text<'a>> = "CtxcbLibName";
            ..cloud_custom_data;
        }
    }
}

objects! {
    /// Whom the content was for.
    ContactItem {
        /// 1 user, 2 group.
        contact_type: i64 = "ContactType";
        /// ID of the user concerned.
        to_account: Option<Text<'a>> = "To_Account";
        /// ID of the group.
        to_group_id: Option<Text<'a>> = "ToGroupId";
    }
}
