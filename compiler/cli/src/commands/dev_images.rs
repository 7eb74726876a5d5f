//! The images that `frames dev` serves: the built-in study, or a user's files.

use super::explained::Explained;
use crate::terminal::Terminal;
use crate::terminal::live::{Bar, Live};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::printable::counted;
use frames_emulator::dicom::{Folder, Known, Listing};
use frames_emulator::healthimaging::{self, DataStore, Reach};
use std::path::{Path, PathBuf};

/// So many of what was left out are named, and the rest counted.
const NAMED: usize = 5;

/// A folder that is looked at again and again.
pub(super) struct Images {
    directory: PathBuf,
    listing: Listing,
    known: Known,
    left: Vec<String>,
}

/// What a folder holds beside images.
struct Left<'a> {
    all: &'a [String],
    /// What wasn't said before.
    fresh: &'a [String],
}

/// The images to serve; of a directory that is watched, also what is known of it.
pub(super) fn store(
    directory: Option<&Path>,
    watch: bool,
    terminal: Terminal,
) -> Result<(DataStore, Option<Images>)> {
    match directory {
        Some(directory) => read(directory, watch, terminal),
        None => Ok((healthimaging::embedded().explained()?, None)),
    }
}

fn read(directory: &Path, watch: bool, terminal: Terminal) -> Result<(DataStore, Option<Images>)> {
    let shown = directory.display();
    if !directory.is_dir() {
        return Err(Failure::new(format!(
            "`--dicom {shown}` is no directory that can be read"
        ))
        .help("name a directory that holds DICOM files"));
    }
    let live = (!terminal.is_json() && !terminal.is_quiet())
        .then(Live::new)
        .flatten();
    let bar = live
        .as_ref()
        .map(|live| live.bar("   {prefix} {bar:30} {pos} of {len} files"));
    if let Some(bar) = &bar {
        bar.prefix("Reading");
    }
    let progress = |done, all| count(bar.as_ref(), done, all);
    let (folder, images) = if watch {
        let mut images = Images {
            directory: directory.to_owned(),
            listing: Listing::of(directory),
            known: Known::default(),
            left: Vec::new(),
        };
        let folder = images.known.read(&images.listing, &progress);
        images.left = left_out(&folder);
        (folder, Some(images))
    } else {
        (Folder::read(directory, &progress), None)
    };
    if let Some(bar) = &bar {
        bar.end();
    }
    let left = left_out(&folder);
    let left = Left {
        all: &left,
        fresh: &left,
    };
    let store = served(folder, &left, directory, terminal)?;
    Ok((store, images))
}

impl Images {
    /// How the folder is by now, where that is otherwise.
    pub(super) fn changed(&self) -> Option<Listing> {
        let listing = Listing::of(&self.directory);
        (listing != self.listing).then_some(listing)
    }

    /// Reads what has changed, and says of files what it didn't say before.
    pub(super) fn read(&mut self, listing: Listing, terminal: Terminal) -> Result<DataStore> {
        let folder = self.known.read(&listing, &|_, _| {});
        self.listing = listing;
        let before = std::mem::replace(&mut self.left, left_out(&folder));
        let left = self.left.iter();
        let fresh: Vec<String> = left.filter(|it| !before.contains(it)).cloned().collect();
        let left = Left {
            all: &self.left,
            fresh: &fresh,
        };
        served(folder, &left, &self.directory, terminal)
    }
}

/// Each file that was left out, and why.
fn left_out(folder: &Folder) -> Vec<String> {
    let left = folder.left.iter();
    left.map(|left| format!("{}: {}", left.path.display(), left.reason))
        .collect()
}

/// The store of a folder's instances.
fn served(
    folder: Folder,
    left: &Left<'_>,
    directory: &Path,
    terminal: Terminal,
) -> Result<DataStore> {
    let shown = directory.display();
    if folder.instances.is_empty() {
        let help = match left.all {
            [only] => format!("1 file was left out: {only}"),
            [first, ..] => {
                let count = left.all.len();
                format!("{count} files were left out, the first one: {first}")
            }
            [] => "it holds no file at all".to_owned(),
        };
        return Err(Failure::new(format!("there is no DICOM instance in {shown}")).help(help));
    }
    say_some("Left out", left.fresh, terminal);
    let (store, twice) = healthimaging::of(folder.instances);
    let twice: Vec<String> = twice
        .iter()
        .map(|instance| {
            format!(
                "{}: another file has the same instance, {}",
                instance.place(),
                instance.uid
            )
        })
        .collect();
    say_some("Twice", &twice, terminal);
    terminal.status(
        "Images",
        &format!(
            "{} in {} series of {}, from {shown}",
            counted(store.instances().len(), "instance", "instances"),
            store.series().len(),
            counted(store.studies().len(), "study", "studies")
        ),
    );
    Ok(store)
}

/// Not each file: drawing takes longer than reading one.
fn count(bar: Option<&Bar>, done: usize, all: usize) {
    if let Some(bar) = bar.filter(|_| done.is_multiple_of(32) || done == all) {
        bar.count(done, all);
    }
}

fn say_some(verb: &str, all: &[String], terminal: Terminal) {
    let named = if terminal.is_verbose() {
        all.len()
    } else {
        NAMED
    };
    for one in all.iter().take(named) {
        terminal.status(verb, one);
    }
    if let Some(more @ 1..) = all.len().checked_sub(named) {
        terminal.status(verb, &format!("{more} more (`-v` names them)"));
    }
}

/// What `iam.allow` lets anybody read of a user's files.
pub(super) fn say_reach(reach: &Reach, terminal: Terminal) {
    let Reach {
        series,
        native,
        dicomweb,
        absent,
    } = reach;
    terminal.status(
        "Reachable",
        &format!(
            "of {series} series, {dicomweb} by DICOMweb and {native} by getImageFrame; `iam.allow` and \
             `delivery.dicomweb` decide"
        ),
    );
    let absent: Vec<String> = absent
        .iter()
        .map(|part| format!("{part} is named in `iam.allow`, but no file belongs to it"))
        .collect();
    say_some("Absent", &absent, terminal);
}
