//! The manual in `release/man`, one page per command: written from the command line that there is.

use crate::support::golden::blessing;
use crate::support::root;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use frames::cli::Cli;
use std::collections::BTreeMap;
use std::fs;

/// The commit is left out: a page is written before it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

const FOLDER: &str = "release/man";

/// Each page by its file's name.
fn pages() -> BTreeMap<String, String> {
    // `help` takes what clap gives it.
    let mut whole = Cli::command()
        .version(VERSION)
        .disable_help_subcommand(true);
    whole.build();
    let commands = whole.get_subcommands();
    let commands = commands.filter(|one| !one.is_hide_set());
    let pages = commands.map(|one| (format!("frames-{}.1", one.get_name()), page(one)));
    let mut pages: BTreeMap<String, String> = pages.collect();
    pages.insert("frames.1".to_owned(), page(&whole));
    pages
}

fn page(command: &Command) -> String {
    let name = command.get_display_name().unwrap_or(command.get_name());
    // Pages of commands don't lead to further ones, and `help` is one of those.
    let shown = command.clone().subcommand_help_heading("COMMANDS");
    let man = Man::new(shown)
        .title(name.to_uppercase())
        .source(format!("frames {VERSION}"))
        .manual("frames");
    let mut page = Vec::new();
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    man.render_synopsis_section(&mut page).unwrap();
    man.render_options_section(&mut page).unwrap();
    let mut page = String::from_utf8(page).unwrap();
    if command.has_subcommands() {
        let mut commands = Vec::new();
        man.render_subcommands_section(&mut commands).unwrap();
        page += &String::from_utf8(commands).unwrap();
        page +=
            ".SH EXIT STATUS\n0 done, 1 failed, 2 usage, 3 frames.yml, 4 run again, 130 stopped\n";
    }
    let closing = command.get_after_help().map(ToString::to_string);
    // What a command's help ends with is examples, line by line, after what else there is.
    for part in closing.unwrap_or_default().split("\n\n") {
        let (title, text) = match part.split_once(":\n") {
            Some((_, examples)) => ("EXAMPLES", examples),
            None => ("NOTES", part),
        };
        if !text.is_empty() {
            page += &format!(".SH {title}\n.nf\n{}\n.fi\n", literal(text));
        }
    }
    page
}

/// Text that a formatter takes as it is.
fn literal(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.trim_start().replace('\\', "\\e").replace('-', "\\-");
        // A dot or an apostrophe at the start would be an order.
        if line.starts_with(['.', '\'']) {
            format!("\\&{line}")
        } else {
            line
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_manual_is_what_the_command_line_says() {
    let folder = root().join(FOLDER);
    let pages = pages();
    assert!(pages.len() > 10, "{:?}", pages.keys());
    if blessing() {
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        for (name, page) in &pages {
            fs::write(folder.join(name), page).unwrap();
        }
    }
    let entries = fs::read_dir(&folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    let found: BTreeMap<String, String> = entries.collect();
    assert!(found.keys().eq(pages.keys()), "{:?}", found.keys());
    for (name, page) in &pages {
        assert_eq!(&found[name], page, "{name}: FRAMES_BLESS=1 writes it");
    }
}
