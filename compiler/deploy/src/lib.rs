//! Everything that talks to AWS: a plan and its package to stacks, and back to nothing.
//!
//! - [`aws`]: the few AWS calls
//! - [`report`], [`interrupt`], [`session`]: what a run shows, how it ends early, whose account it is
//! - [`cause`], [`summary`], [`guard`], [`teardown`]: pure: events and templates to words and templates
//! - [`picture`], [`heal`]: what is there, read once, and how what is gone comes back
//! - [`follow`], [`change`], [`settle`]: one stack: its events, its change sets, what earlier runs left
//! - [`artifacts`], [`edge_logs`]: what is beside the stacks
//! - [`logs`]: the functions' lines of all Regions, merged
//! - [`located`], [`moves`]: where the stacks are, whatever the manifest says, and what has moved
//! - [`endpoint`]: what the stacks deliver from
//! - [`history`], [`rollback`]: what deployments leave, and how an earlier one is deployed again
//! - [`stage`], [`versions`], [`lingering`], [`trial`], [`served`], [`state`], [`validation`]: one stage of a deployment
//! - [`going`], [`remove`]: all stages backwards, with patience for replicas
//! - [`purge`]: what was withdrawn leaves the edge's caches
//! - [`stages`], [`diff`], [`agreement`]: all stages, deployed, compared, and agreed to
//!
//! What each may use is in the table of `compiler/core/tests/arrows/main.rs`.

pub mod agreed;
pub mod agreement;
pub mod artifacts;
pub mod aws;
pub mod cause;
mod change;
pub mod diff;
mod edge_logs;
pub mod endpoint;
mod follow;
mod going;
mod guard;
mod heal;
pub mod history;
pub mod interrupt;
mod lingering;
pub mod located;
pub mod logs;
pub mod moves;
pub mod picture;
pub mod purge;
pub mod remove;
pub mod report;
pub mod rollback;
mod served;
pub mod session;
mod settle;
pub mod stage;
pub mod stages;
mod standing;
pub mod state;
mod summary;
mod teardown;
mod trial;
pub mod validation;
mod versions;
