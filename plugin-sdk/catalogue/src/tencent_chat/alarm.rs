//! Quotas that are nearly used up.

use crate::macros::commands::commands;
use crate::object::Text;

use super::members::*;

commands! {
    NAME;

    /// Sent when 70 % of the day's quota of new groups is used up.
    GroupOnDailyGroupQuotaAlarm = "Group.CallbackOnDailyGroupQuotaAlarm", After, AFTER, "alarm" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/57455";
        request {
            /// Groups created today.
            quota_used: i64 = "QuotaUsed";
            /// Groups that may be created in a day.
            quota: i64 = "Quota";
            ..event_time;
        }
    }

    /// Sent when the calls of an interface have reached 80 % of its limit.
    ///
    /// Switched on for every application that has a callback URL.
    AlertRequestOverLimit = "Alert.RequestOverLimit", After, AFTER, "alarm" {
        key ["EventTime"]; source "www.tencentcloud.com/document/product/1047/60256";
        request {
            /// Name of the service.
            service_name: Text<'a> = "ServiceName";
            /// Name of the interface.
            command: Text<'a> = "Command";
            /// Calls that were counted.
            request: i64 = "Request";
            /// Calls that are allowed.
            limit: i64 = "Limit";
            ..optional_event_time;
        }
    }
}
