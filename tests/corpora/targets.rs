//! What is asked of any bytes as settings in TypeScript. Run by `corpora.rs` beside this folder and by
//! the fuzz target of the same name.

use frames::init::Answers;
use frames::init::answers::complaints;
use frames::init::sample::{File, taken};
use frames::init::text::text;
use frames::init::typescript::{Unreadable, Value, constants};
use frames_compiler::failure::Exit;
use frames_compiler::world::Fixed;
use frames_compiler::{Source, Target, compile};

/// Any bytes as `config.ts`: a manifest without errors, or what to say instead. Nobody is let in by
/// a guess. Says whether there is one.
pub fn settings(bytes: &[u8]) -> bool {
    let read = constants(bytes);
    assert_eq!(read, constants(bytes));
    let constants = match read {
        Ok(constants) => constants,
        Err(unreadable) => {
            placed(&unreadable, bytes);
            return false;
        }
    };
    let written = String::from_utf8_lossy(bytes);
    let size: usize = constants
        .iter()
        .map(|it| it.name.len() + size(&it.value))
        .sum();
    // A name may stand for up to 256 bytes, however often it is written.
    assert!(size <= written.len() * 256 + 256, "{size}");
    for (at, constant) in constants.iter().enumerate() {
        assert!((1..=written.split('\n').count()).contains(&constant.line));
        let before = &constants[..at];
        assert!(before.iter().all(|it| it.name != constant.name));
    }
    let given = Answers {
        service: Some("moved".to_owned()),
        ..Answers::default()
    };
    let file = File {
        name: "config.ts".to_owned(),
        constants,
    };
    let taken = match taken(&[file], &given) {
        Ok(taken) => taken,
        Err(failure) => {
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.help.is_some());
            return false;
        }
    };
    if taken.answers.auth.as_deref() == Some("none") {
        let says = ["null", "undefined", "none"]
            .iter()
            .any(|word| written.contains(word));
        // Escapes spell words, too.
        assert!(says || written.contains('\\'), "{written}");
    }
    for remark in &taken.remarks {
        assert!(!remark.contains(|c: char| c.is_control()), "{remark:?}");
    }
    let is_whole = complaints(&taken.answers).is_empty();
    if is_whole {
        manifest(&text(&taken.answers, &taken.remarks));
    }
    is_whole
}

/// An editor finds the place.
fn placed(unreadable: &Unreadable, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let line = text.split('\n').nth(unreadable.line - 1);
    let line = line.unwrap_or_else(|| panic!("{unreadable} of {text:?}"));
    let columns = line.chars().count() + 1;
    assert!((1..=columns).contains(&unreadable.column), "{unreadable}");
    assert!(!unreadable.what.is_empty());
}

fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(text) | Value::Text(text) | Value::Unknown(text) => text.len(),
        Value::List(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.iter().map(|(name, it)| name.len() + size(it)).sum(),
    }
}

/// What is written validates, and looks nothing up.
fn manifest(text: &str) {
    let target = Target {
        env: "dev",
        chosen: false,
        allow_unsafe_overlay: false,
    };
    let compiled = compile(&Source::new("frames.yml", text), target, &Fixed::empty());
    let mut found = compiled.diagnostics.iter();
    let error = found.find(|one| one.is_error());
    assert!(error.is_none(), "{error:?} in {text}");
}
