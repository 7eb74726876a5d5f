//! What a user or a peer would run, against the real `frames` binary and the
//! real peers. `support` installs these, pinned, below `target/`.

// Tests talk to those who develop frames.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]
// Nothing here is anybody else's.
#![allow(unreachable_pub)]

mod access;
mod action;
mod aws_peer;
mod browser;
mod check;
mod commands;
mod copied;
mod corpora;
mod deploy;
mod dev;
mod dev_allowed;
mod dev_delivery;
mod dev_keys;
mod dev_origin;
mod dev_running;
mod dev_watch;
mod diagnostics;
mod dicom;
mod dicomweb;
mod doctor;
mod editor;
mod formats;
mod found;
mod from_sample;
mod functions;
mod graphs;
mod hostile;
mod init;
mod install;
mod issuers;
mod keys;
mod lambda;
mod lambda_endurance;
mod lambda_launch;
mod lambda_watch;
mod links;
mod logs;
mod man;
mod metadata;
mod package;
mod package_safety;
mod packages;
mod page;
mod peer_signatures;
mod peer_tokens;
mod pictures;
mod pins;
mod policy;
mod policy_reference;
mod posture;
mod purge;
mod reader;
mod readme;
mod reads;
mod release_build;
mod released;
mod sbom;
mod sdks;
mod signals;
mod support;
mod templates;
mod tour;
mod variables;
mod viewers;
mod way_out;
mod workflows;
