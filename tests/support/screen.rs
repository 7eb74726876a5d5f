//! What a terminal shows, line by line, and the same as a picture (SVG).

use std::fmt::Write;

const COLUMNS: usize = 80;

/// A column's width and a line's height, in the units of the picture.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 19.0;
const MARGIN: f64 = 18.0;

/// Both palettes are here: which one is seen, the reader's system decides. The card is
/// opaque, so that either can be read on any page.
const STYLE: &str = r#"  <style>
    rect { fill: #f6f8fa; stroke: #d1d9e0 }
    text { fill: #1f2328; font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre }
    .bold { font-weight: 700 }
    .faint { fill: #59636e }
    .red { fill: #b3141c }
    .yellow { fill: #7d4e00 }
    .green { fill: #116329 }
    .blue { fill: #0550ae }
    .cyan { fill: #0b5c66 }
    @media (prefers-color-scheme: dark) {
      rect { fill: #151b23; stroke: #3d444d }
      text { fill: #f0f6fc }
      .faint { fill: #9198a1 }
      .red { fill: #ff8d85 }
      .yellow { fill: #e3b341 }
      .green { fill: #56d364 }
      .blue { fill: #79b8ff }
      .cyan { fill: #56d4dd }
    }
  </style>
"#;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Style {
    bold: bool,
    /// A class of `STYLE`.
    color: Option<&'static str>,
}

/// A terminal of 80 columns that only ever writes downwards.
#[derive(Debug, Default)]
pub struct Screen {
    lines: Vec<Vec<(char, Style)>>,
    style: Style,
}

impl Screen {
    /// A command as it is typed, behind a prompt.
    pub fn typed(&mut self, command: &str) {
        self.begin_line();
        self.faint("$ ");
        self.shown(command);
    }

    /// What isn't typed and isn't printed: a word to the reader.
    pub fn remark(&mut self, text: &str) {
        self.begin_line();
        self.faint(text);
    }

    fn faint(&mut self, text: &str) {
        self.style.color = Some("faint");
        for char in text.chars() {
            self.put(char);
        }
        self.style = Style::default();
    }

    /// A program's output, on lines of its own.
    pub fn printed(&mut self, output: &str) {
        self.begin_line();
        self.shown(output.trim_end_matches(['\r', '\n']));
        assert_eq!(self.style, Style::default(), "colours that don't end");
    }

    pub fn blank(&mut self) {
        self.begin_line();
    }

    fn begin_line(&mut self) {
        self.lines.push(Vec::new());
    }

    fn shown(&mut self, text: &str) {
        let mut chars = text.chars().peekable();
        while let Some(char) = chars.next() {
            match char {
                '\u{1b}' => {
                    let code: String = chars.by_ref().take_while(|char| *char != 'm').collect();
                    self.style = styled(self.style, &code);
                }
                '\r' => assert_eq!(chars.peek(), Some(&'\n'), "a line that is written over"),
                '\n' => self.begin_line(),
                _ => self.put(char),
            }
        }
    }

    fn put(&mut self, char: char) {
        assert!(!char.is_control(), "{char:?}");
        if self.lines.last().is_none_or(|line| line.len() == COLUMNS) {
            self.begin_line();
        }
        let style = self.style;
        let line = self.lines.last_mut().expect("begun above");
        line.push((char, style));
    }

    pub fn picture(&self, title: &str) -> String {
        let width = 2.0f64.mul_add(MARGIN, COLUMNS as f64 * WIDTH).round();
        let height = 2.0f64
            .mul_add(MARGIN, self.lines.len() as f64 * HEIGHT)
            .round();
        let mut picture = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
             \x20 <title>{}</title>\n{STYLE}\
             \x20 <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
            escaped(title),
            width - 1.0,
            height - 1.0,
        );
        for (index, line) in self.lines.iter().enumerate() {
            let y = (index as f64).mul_add(HEIGHT, MARGIN) + 14.0;
            for part in parts(line) {
                part.draw(y, &mut picture);
            }
        }
        picture.push_str("</svg>\n");
        picture
    }
}

/// Neighbours of one style, without spaces around them.
struct Part {
    column: usize,
    text: String,
    style: Style,
}

fn parts(line: &[(char, Style)]) -> Vec<Part> {
    let mut column = 0;
    line.chunk_by(|a, b| a.1 == b.1)
        .filter_map(|chunk| {
            let text: String = chunk.iter().map(|(char, _)| char).collect();
            let indent = text.chars().take_while(|char| *char == ' ').count();
            let part = Part {
                column: column + indent,
                text: text.trim_matches(' ').to_owned(),
                style: chunk[0].1,
            };
            column += chunk.len();
            (!part.text.is_empty()).then_some(part)
        })
        .collect()
}

impl Part {
    /// The length is written down, so that columns meet in whatever font there is.
    fn draw(&self, y: f64, picture: &mut String) {
        let x = (self.column as f64).mul_add(WIDTH, MARGIN);
        let length = self.text.chars().count() as f64 * WIDTH;
        let bold = self.style.bold.then_some("bold");
        let classes: Vec<&str> = bold.into_iter().chain(self.style.color).collect();
        let class = if classes.is_empty() {
            String::new()
        } else {
            format!(" class=\"{}\"", classes.join(" "))
        };
        writeln!(
            picture,
            "  <text x=\"{x:.1}\" y=\"{y}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\"{class}>{}</text>",
            escaped(&self.text)
        )
        .unwrap();
    }
}

/// A style after `ESC [ … m`. What `frames` doesn't use, this doesn't know.
fn styled(mut style: Style, code: &str) -> Style {
    let codes = code
        .strip_prefix('[')
        .unwrap_or_else(|| panic!("not a colour: {code:?}"));
    for code in codes.split(';') {
        match code {
            "0" => style = Style::default(),
            "1" => style.bold = true,
            "31" | "91" => style.color = Some("red"),
            "32" | "92" => style.color = Some("green"),
            "33" | "93" => style.color = Some("yellow"),
            "34" | "94" => style.color = Some("blue"),
            "36" | "96" => style.color = Some("cyan"),
            _ => panic!("a style without a class: {code:?}"),
        }
    }
    style
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
