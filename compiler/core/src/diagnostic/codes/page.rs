//! docs/codes.md: every code with its reason, its remedy and an example.

use super::{Code, FAMILIES};
use std::fmt::Write;

const HEAD: &str = "\
# The codes of findings

Generated from the compiler's table of codes: `FRAMES_BLESS=1 cargo test -p frames-compiler` writes it anew.
`frames validate --explain CODE` says the same. Codes are stable. A test holds that every example gets its code, no
other error, and that the mended one gets none.

";

/// The page, as Markdown.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for family in FAMILIES {
        for code in family.codes {
            let severity = code.severity.as_str();
            let _ = writeln!(page, "- [`{}`](#{}) ({severity})", code.name, code.name);
        }
    }
    for family in FAMILIES {
        let _ = write!(page, "\n## {}\n", family.title);
        for code in family.codes {
            section(code, &mut page);
        }
    }
    page
}

fn section(code: &Code, page: &mut String) {
    let _ = write!(
        page,
        "\n### {}\n\n{}: {} {}\n\n{}\n",
        code.name,
        if code.severity == super::Severity::Error {
            "Error"
        } else {
            "Warning"
        },
        code.what,
        code.why,
        code.remedy,
    );
    let given = code.given.phrase();
    for (title, manifest) in [
        (format!("Example{given}"), code.example),
        ("Mended".to_owned(), code.fixed),
    ] {
        let _ = write!(page, "\n{title}:\n\n```yaml\n{manifest}```\n");
    }
}
