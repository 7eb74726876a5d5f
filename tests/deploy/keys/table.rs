//! Which key shows where: what a service says before, and with the key set.

mod access;
mod beside;
mod delivery;
mod logs;
mod tokens;

use super::Group;

/// Keys that no update can show, and where they are shown.
pub const ELSEWHERE: &[(&str, &str)] = &[
    (
        "service",
        "another name is another pair of stacks: `another_service_is_another_pair_of_stacks`",
    ),
    (
        "deploy.account",
        "nothing deployed has it: `another_account_than_the_manifests_is_asked_nothing`",
    ),
    (
        "deploy.region",
        "a cdn stack doesn't move: `another_region_takes_a_removal_first`",
    ),
    (
        "resources.logs",
        "no such stack beside a cdn stack in us-east-1: `a_stack_elsewhere_is_watched_from_us_east_1`",
    ),
];

pub const GROUPS: &[Group] = &[
    tokens::USER_POOL,
    tokens::ISSUER,
    delivery::DELIVERY,
    delivery::READS,
    delivery::READS_OVERLAY,
    delivery::ZONE,
    delivery::CERTIFICATE,
    access::ROLES,
    access::ROWS,
    access::USERS,
    logs::LOGS,
    logs::OWN_BUCKET,
    delivery::OTHER_WAY,
    delivery::OWN_WEB_ACL,
    beside::BESIDE,
];
