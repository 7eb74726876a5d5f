//! docs/keys.md: every key of frames.yml, from the field tables.

use super::field::{Field, Kind, Table};
use super::tables::MANIFEST;

const HEAD: &str = "\
# The keys of frames.yml

Generated from the compiler's field tables: `FRAMES_BLESS=1 cargo test -p frames-compiler` writes it anew.

The last column says what a key becomes. Properties are CloudFormation's, of the resource with that type or logical id;
`authorizer` and `signer` are the functions' `config.json`; `plan.json` is what a deploy goes by.

Keys of your own are at the root, or at the root of an environment, and begin with `x-`: `${self:x-pools.prod}` and
anchors take values from them. (A key without `x-` is yours too where a `${self:…}` names it; editors don't know that.)

A variable that is a whole value may bring one text where a list is due: the texts between its commas. One that brings a
mapping stands for it, also behind `<<` and below `environments`. A key with nothing behind it, as `resources:`, is as empty as `{}`.

An environment's name is free: a manifest without `environments` takes any `--env`, and differs only in the name. Where
there are `environments`, a name that isn't among them is an error.

";

/// The page, as Markdown.
pub fn keys_page() -> String {
    let mut page = HEAD.to_owned();
    for block in MANIFEST.fields {
        page.push_str(&format!("## {}\n\n{}\n\n", block.key, block.doc));
        page.push_str("| key | meaning | default | what it makes |\n| --- | --- | --- | --- |\n");
        match &block.kind {
            Kind::Table(table) => rows(table, block.key, &mut page),
            _ => page.push_str(&row(block.key, block)),
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn rows(table: &Table, path: &str, page: &mut String) {
    for field in table.fields {
        let path = format!("{path}.{}", field.key);
        match &field.kind {
            Kind::Table(table) => rows(table, &path, page),
            Kind::List(Kind::Table(table)) => {
                page.push_str(&row(&path, field));
                rows(table, &format!("{path}[]"), page);
            }
            _ => page.push_str(&row(&path, field)),
        }
    }
}

fn row(path: &str, field: &Field) -> String {
    let default = match field.default {
        Some(default) => {
            let others = field.mode_defaults.iter();
            let others = others.map(|(mode, other)| format!("; `{other}` with mode `{mode}`"));
            format!("`{default}`{}", others.collect::<String>())
        }
        None if field.required => "required".to_owned(),
        None => String::new(),
    };
    let meaning = format!("{}{}", field.doc, words(&field.kind));
    // A bar would end the cell.
    let cells = [
        &format!("`{path}`"),
        meaning.as_str(),
        &default,
        field.makes,
    ];
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    format!("| {} |\n", cells.join(" | "))
}

/// The words that a key takes; countries have a standard of their own.
fn words(kind: &Kind) -> String {
    const MOST: usize = 40;
    match kind {
        Kind::Choice(choice) | Kind::List(Kind::Choice(choice)) if choice.words.len() <= MOST => {
            format!(" Takes `{}`.", choice.words.join("`, `"))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(table: &'static Table, path: &str, found: &mut Vec<(String, &'static Field)>) {
        for field in table.fields {
            let path = format!("{path}.{}", field.key);
            match &field.kind {
                Kind::Table(table) | Kind::List(Kind::Table(table)) => leaves(table, &path, found),
                _ => found.push((path, field)),
            }
        }
    }

    #[test]
    fn every_key_says_what_it_makes() {
        let mut found = Vec::new();
        leaves(&MANIFEST, "", &mut found);
        assert!(found.len() > 40);
        for (path, field) in found {
            assert!(!field.makes.is_empty(), "{path}");
            assert!(field.doc.ends_with('.'), "{path}: {}", field.doc);
        }
    }
}
