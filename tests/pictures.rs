//! The pictures of README.md. The terminal's is made here, from what the real binary
//! prints; both can be read in light and in dark.

use crate::readme::manifest;
use crate::support::browser::Browser;
use crate::support::frames::Project;
use crate::support::golden::blessing;
use crate::support::pty::OnTerminal;
use crate::support::screen::Screen;
use crate::support::{read, root};
use rustix::process::{Signal, kill_process};
use std::path::Path;
use std::process::Command;

const TERMINAL: &str = "docs/pictures/terminal.svg";
const DELIVERY: &str = "docs/pictures/delivery.svg";

/// README's manifest with a slip, mended and served. The first terminal, and the second.
#[test]
fn the_terminal_shows_what_frames_prints() {
    // The functions are built here, where nobody has built them yet: no part of the picture.
    Project::new(&manifest()).package();

    let project = Project::new(&manifest().replace("userPoolId", "userPoolID"));
    let mut screen = Screen::default();
    run(&mut screen, &project, &["validate"], 3);
    let mend = "sed -i s/userPoolID/userPoolId/ frames.yml";
    assert_eq!(shell(&mut screen, project.path(), mend, &[]), "");
    assert_eq!(read_manifest(&project), manifest());
    run(&mut screen, &project, &["validate"], 0);

    screen.typed("frames dev");
    let dev = OnTerminal::start(project.command().args(["dev", "--port", "0"]));
    dev.wait_for("-o frame.jph\r\n");
    let shown = dev.shown();
    screen.printed(&masked(&shown));

    screen.blank();
    screen.remark("# In a second terminal, with the address and the token of the first:");
    let values = [
        ("URL", between(&shown, "curl -sSf ", " ")),
        ("TOKEN", between(&shown, "Bearer ", "'")),
        ("BODY", between(&shown, "-d '", "'")),
    ];
    for (command, answer) in [
        (
            "curl -sS \"$URL\" -d \"$BODY\" -w ' %{http_code}\\n'",
            "{\"error\":\"missing_token\"} 401\n",
        ),
        (
            "curl -sS \"$URL\" -d \"$BODY\" -H \"Authorization: Bearer $TOKEN\" \\\n    \
             -H 'Content-Type: application/json' -o frame.jph -w '%{http_code}\\n'",
            "200\n",
        ),
    ] {
        assert_eq!(shell(&mut screen, project.path(), command, &values), answer);
    }
    kill_process(dev.pid(), Signal::INT).unwrap();
    assert_eq!(dev.end().0, 0);

    golden(&screen.picture(
        "A terminal: frames validate finds a misspelt key and names the right one; \
         mended, frames dev serves the delivery; a request without a token gets 401, one with a token its frame.",
    ));
}

fn golden(picture: &str) {
    let path = root().join(TERMINAL);
    if blessing() {
        std::fs::write(&path, picture).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == picture,
        "{TERMINAL} isn't what frames prints now; look at the difference, then bless it with FRAMES_BLESS=1\n{picture}"
    );
}

/// `frames`, on a terminal.
fn run(screen: &mut Screen, project: &Project, arguments: &[&str], code: i32) {
    screen.typed(&format!("frames {}", arguments.join(" ")));
    let (ended, shown) = OnTerminal::start(project.command().args(arguments)).end();
    assert_eq!(ended, code, "{shown}");
    screen.printed(&shown);
}

/// Another program's command line, as it is shown; what it prints.
fn shell(screen: &mut Screen, directory: &Path, command: &str, values: &[(&str, &str)]) -> String {
    screen.typed(command);
    let output = Command::new("bash")
        .args(["-euc", command])
        .envs(values.iter().copied())
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    if !printed.is_empty() {
        screen.printed(&printed);
    }
    printed
}

fn read_manifest(project: &Project) -> String {
    std::fs::read_to_string(project.path().join("frames.yml")).unwrap()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("{before:?} isn't in {text}"));
    rest.split_once(after).expect("an end").0
}

/// What is another at each run: the ports (8080 is the one that a reader gets), the page's key, the token.
fn masked(shown: &str) -> String {
    let ready = between(shown, "http://127.0.0.1:", " (Ctrl-C");
    let ready = ready.rsplit(':').next().unwrap();
    let mut text = shown.replace(&format!("127.0.0.1:{ready}"), "127.0.0.1:8080");
    for (label, port) in [("Page", "8081"), ("Origin", "8082"), ("Issuer", "8083")] {
        let (_, line) = text.split_once(label).unwrap();
        let (_, rest) = line.split_once("127.0.0.1:").unwrap();
        let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
        text = text.replace(&format!("127.0.0.1:{number}"), &format!("127.0.0.1:{port}"));
    }
    let key = between(&text, "/#", "\r").to_owned();
    let (_, purge) = text.split_once("Purge").unwrap();
    let purge = between(purge, "/#", " ").to_owned();
    let token = between(&text, "Bearer ", "'").to_owned();
    text.replace(&key, "…")
        .replace(&purge, "…")
        .replace(&token, &format!("{}…", &token[..24]))
}

/// In a real browser, in both of the reader's colour schemes.
#[test]
fn pictures_can_be_read_in_light_and_in_dark() {
    let mut browser = Browser::start();
    for name in [TERMINAL, DELIVERY] {
        assert!(
            read(name).contains("<title>"),
            "{name}: what is it a picture of?"
        );
        let url = format!("file://{}", root().join(name).display());
        let [light, dark] = ["light", "dark"].map(|scheme| {
            let texts = browser.picture(&url, scheme);
            assert!(texts.len() > 10, "{name}, {scheme}: {texts:?}");
            for text in &texts {
                let said = format!("{name}, {scheme}: {text:?}");
                assert!(text.inside, "runs out of its box: {said}");
                assert!(
                    contrast(text.color, text.behind) >= 4.5,
                    "hard to read: {said}"
                );
            }
            texts[0].behind
        });
        assert!(
            luminance(light) > 0.7 && luminance(dark) < 0.1,
            "{name}: {light:?}, {dark:?}"
        );
    }
}

/// WCAG 2.2, 1.4.3.
fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(color: [u8; 3]) -> f64 {
    let [red, green, blue] = color.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126f64.mul_add(red, 0.7152f64.mul_add(green, 0.0722 * blue))
}
