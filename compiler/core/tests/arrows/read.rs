//! A crate's modules, and which uses which: as far as `use` and paths say it, leaving out
//! comments, texts and what is there for tests only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module's path from the crate's root, which is the empty one.
pub(crate) type Module = Vec<String>;

struct File {
    name: String,
    module: Module,
    /// Without comments, texts and tests.
    code: String,
}

pub(crate) struct Sources {
    files: Vec<File>,
    modules: BTreeSet<Module>,
    /// What a module makes available under another path: where it is, by module and name.
    reexported: BTreeMap<(Module, String), Module>,
}

impl Sources {
    pub(crate) fn read(src: &Path) -> Self {
        let mut files = Vec::new();
        collect(src, src, &mut files);
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        Self::of(&files)
    }

    /// Files by their paths below `src`.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tests = BTreeSet::new();
        let mut read: Vec<File> = Vec::new();
        for (name, text) in files {
            let module = module_of(name);
            let (code, hidden) = without_tests(&code_of(text));
            tests.extend(hidden.into_iter().map(|child| below(&module, &child)));
            let name = (*name).to_owned();
            read.push(File { name, module, code });
        }
        // Files of modules that are there for tests, and files below them.
        read.retain(|file| !tests.iter().any(|test| file.module.starts_with(test)));
        let modules = read.iter().map(|file| file.module.clone()).collect();
        let mut sources = Self {
            files: read,
            modules,
            reexported: BTreeMap::new(),
        };
        let mut reexported = BTreeMap::new();
        for file in &sources.files {
            for (path, name) in imports(&file.code) {
                if let Some(target) = sources.absolute(&file.module, &path) {
                    reexported.insert((file.module.clone(), name), target);
                }
            }
        }
        sources.reexported = reexported;
        sources
    }

    /// The modules at the root.
    pub(crate) fn top(&self) -> impl Iterator<Item = &str> {
        let tops = self.modules.iter().filter(|module| module.len() == 1);
        tops.map(|module| module[0].as_str())
    }

    /// Which file's module uses which.
    pub(crate) fn uses(&self) -> impl Iterator<Item = (&str, Module, Module)> {
        self.files.iter().flat_map(|file| {
            let imported = imports(&file.code).into_iter().map(|(path, _)| path);
            let paths = imported.chain(inline(&file.code));
            let targets = paths.filter_map(|path| self.absolute(&file.module, &path));
            targets.map(|to| (file.name.as_str(), file.module.clone(), self.defined(to)))
        })
    }

    /// A path from the root; `None` for one that leads into another crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([module, rest].concat()),
            "super" => {
                let above = module.split_last()?.1.to_vec();
                if rest.first().is_some_and(|next| next == "super") {
                    self.absolute(&above, rest)
                } else {
                    Some([&above, rest].concat())
                }
            }
            _ => {
                let inner = below(module, first);
                self.modules
                    .contains(&inner)
                    .then(|| [module, path].concat())
            }
        }
    }

    /// The module that defines what a path names.
    fn defined(&self, mut path: Module) -> Module {
        // A name that leads back to itself would go on for ever.
        for _ in 0..8 {
            let length = (0..=path.len())
                .rev()
                .find(|&n| n == 0 || self.modules.contains(&path[..n]))
                .unwrap_or_default();
            let (module, rest) = path.split_at(length);
            let next = rest.first().map(|name| (module.to_vec(), name.clone()));
            match next.and_then(|next| self.reexported.get(&next)) {
                Some(target) if *target != path => {
                    path = [target, &rest[1..]].concat();
                }
                _ => return module.to_vec(),
            }
        }
        path
    }
}

fn collect(root: &Path, folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy();
            into.push((name.replace('\\', "/"), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn module_of(file: &str) -> Module {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let mut module: Module = stem.split('/').map(str::to_owned).collect();
    if module
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        module.pop();
    }
    module
}

fn below(module: &Module, child: &str) -> Module {
    let child = [child.to_owned()];
    [module.as_slice(), &child].concat()
}

/// The text with blanks for comments and for what is in quotes.
fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut code = String::new();
    let mut i = 0;
    while i < chars.len() {
        let hashes = (1..).take_while(|n| at(i + n) == '#').count();
        let before = code.chars().last().unwrap_or(' ');
        i = match at(i) {
            '/' if at(i + 1) == '/' => end(&chars, i, "\n"),
            '/' if at(i + 1) == '*' => end(&chars, i, "*/"),
            'r' if at(i + 1 + hashes) == '"' && !is_word(before) => {
                let closing = format!("\"{}", "#".repeat(hashes));
                end(&chars, i + 2 + hashes, &closing)
            }
            '"' => quoted(&chars, i + 1, '"'),
            // A character, and not a lifetime.
            '\'' if at(i + 1) == '\\' || at(i + 2) == '\'' => quoted(&chars, i + 1, '\''),
            c => {
                code.push(c);
                i += 1;
                continue;
            }
        };
        code.push(' ');
    }
    code
}

/// The place behind the next `closing`.
fn end(chars: &[char], from: usize, closing: &str) -> usize {
    let closing: Vec<char> = closing.chars().collect();
    let rest = chars.get(from..).unwrap_or_default();
    let at = rest.windows(closing.len()).position(|part| part == closing);
    at.map_or(chars.len(), |at| from + at + closing.len())
}

fn quoted(chars: &[char], mut i: usize, closing: char) -> usize {
    while i < chars.len() && chars[i] != closing {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The code without items that are there for tests, and the modules among these.
fn without_tests(code: &str) -> (String, Vec<String>) {
    const MARKS: [&str; 2] = ["#[cfg(test)]", "#[cfg(all(test,"];
    let first = |text: &str| {
        let found = MARKS
            .iter()
            .filter_map(|mark| Some((text.find(mark)?, mark.len())));
        found.min()
    };
    let (mut kept, mut modules) = (String::new(), Vec::new());
    let mut rest = code;
    while let Some((at, length)) = first(rest) {
        let after = &rest[at + length..];
        kept.push_str(&rest[..at]);
        let mut depth = 0;
        let end = after.find(|c| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            (c == ';' || c == '}') && depth == 0
        });
        let (item, next) = after.split_at(end.map_or(after.len(), |end| end + 1));
        let words: Vec<&str> = item.split(|c| !is_word(c)).collect();
        if let Some(at) = words.iter().position(|word| *word == "mod") {
            let name = words[at + 1..].iter().find(|word| !word.is_empty());
            modules.extend(name.map(|name| (*name).to_owned()));
        }
        rest = next;
    }
    kept.push_str(rest);
    (kept, modules)
}

/// What `use` brings in: each path, and the name that it gets here.
fn imports(code: &str) -> Vec<(Module, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let before = code[..at].chars().last().unwrap_or(' ');
        let tree = code[at + 4..].split(';').next().unwrap_or_default();
        if !is_word(before) {
            branches(&tree.replace(char::is_whitespace, " "), &[], &mut found);
        }
    }
    found
}

fn branches(tree: &str, above: &[String], found: &mut Vec<(Module, String)>) {
    let tree = tree.trim();
    if let Some((path, group)) = tree.split_once('{') {
        let path: Module = [above, &segments(path)].concat();
        let group = group.trim().strip_suffix('}').unwrap_or(group);
        let mut depth = 0;
        let parts = group.split(|c| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            c == ',' && depth == 0
        });
        parts
            .filter(|part| !part.trim().is_empty())
            .for_each(|part| branches(part, &path, found));
        return;
    }
    let (path, name) = match tree.split_once(" as ") {
        Some((path, name)) => (path, Some(name.trim().to_owned())),
        None => (tree, None),
    };
    let mut path: Module = [above, &segments(path)].concat();
    // `a::{self}` is `a`; `a::*` is all of `a`.
    let is_self = path.len() > 1 && path.last().is_some_and(|last| last == "self");
    if is_self || path.last().is_some_and(|last| last == "*") {
        path.pop();
    }
    let name = name.or_else(|| path.last().cloned());
    found.extend(name.map(|name| (path, name)));
}

/// Paths in the middle of the code: `crate::a::b`, `super::b`.
fn inline(code: &str) -> Vec<Module> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().last().unwrap_or(' ');
            if is_word(before) || before == ':' {
                continue;
            }
            let rest = &code[at..];
            let end = rest.find(|c| !is_word(c) && c != ':').unwrap_or(rest.len());
            // Before a group, it is an import, and read as one.
            let path = segments(&rest[..end]);
            found.extend((path.len() > 1).then_some(path));
        }
    }
    found
}

fn segments(path: &str) -> Module {
    let parts = path.split("::").map(str::trim);
    let parts = parts.filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
