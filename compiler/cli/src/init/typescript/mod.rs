//! Constants of a TypeScript file, read as text: nothing in it is ever run. What isn't a
//! literal stays [`Value::Unknown`], with the text that it is written as.

mod place;
mod tokens;

pub use place::Unreadable;

use place::{Result, decoded, place};
use tokens::{Kind, Token, tokens};

/// A literal. `null` and `undefined` are the same here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
    /// Only a run would tell.
    Unknown(String),
}

impl Value {
    fn is_short(&self) -> bool {
        match self {
            Self::Null | Self::Bool(_) => true,
            Self::Number(text) | Self::Text(text) => text.len() <= LONGEST,
            Self::List(_) | Self::Object(_) | Self::Unknown(_) => false,
        }
    }
}

/// `const NAME = value`, at the file's outermost level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    pub name: String,
    pub value: Value,
    pub line: usize,
}

/// Deeper than any settings are.
const DEEPEST: usize = 32;

/// Nobody has as many members, items or constants. What is compared with each other stays short.
const MOST: usize = 1000;

/// What may stand for a name once more, in bytes. Else a short file could be a long value.
const LONGEST: usize = 256;

/// How much of an expression is quoted.
const QUOTED: usize = 60;

/// Words that begin a statement. One of them at a line's start ends what has no semicolon.
const STATEMENTS: &[&str] = &[
    "abstract",
    "async",
    "class",
    "const",
    "declare",
    "enum",
    "export",
    "for",
    "function",
    "if",
    "import",
    "interface",
    "let",
    "module",
    "namespace",
    "switch",
    "throw",
    "try",
    "type",
    "var",
    "while",
];

/// The constants of a file, in its order.
pub fn constants(bytes: &[u8]) -> Result<Vec<Constant>> {
    let text = decoded(bytes)?;
    let tokens = tokens(text)?;
    let mut reader = Reader {
        text,
        tokens: &tokens,
        at: 0,
        found: Vec::new(),
    };
    while reader.peek().is_some() {
        reader.statement()?;
    }
    Ok(reader.found)
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    found: Vec<Constant>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    fn is_mark(&self, mark: char) -> bool {
        self.peek()
            .is_some_and(|token| token.kind == Kind::Mark(mark))
    }

    /// Takes it, if it comes next.
    fn mark(&mut self, mark: char) -> bool {
        let is_next = self.is_mark(mark);
        self.at += usize::from(is_next);
        is_next
    }

    fn written(&self, token: &Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    fn word(&mut self, word: &str) -> bool {
        let is_next = self
            .peek()
            .is_some_and(|token| token.kind == Kind::Word && self.written(token) == word);
        self.at += usize::from(is_next);
        is_next
    }

    fn statement(&mut self) -> Result<()> {
        let start = self.at;
        self.word("export");
        self.word("declare");
        if self.word("default") {
            let line = self.peek().map_or(1, |token| token.line);
            let value = self.expression(0)?;
            return self.add("default".to_owned(), value, line);
        }
        if self.word("const") {
            if !self.word("enum") {
                return self.declarators(true);
            }
        } else if self.word("let") || self.word("var") {
            return self.declarators(false);
        }
        self.at = start;
        self.skip_statement()
    }

    /// `NAME: Type = value, OTHER = value;`
    fn declarators(&mut self, is_constant: bool) -> Result<()> {
        loop {
            let Some(token) = self.peek().filter(|token| token.kind == Kind::Word) else {
                return self.skip_statement();
            };
            let name = self.written(token).to_owned();
            let line = token.line;
            self.at += 1;
            self.skip_type()?;
            if self.mark('=') {
                let from = self.at;
                let value = self.expression(0)?;
                let value = if is_constant {
                    value
                } else {
                    self.unknown(from)
                };
                self.add(name, value, line)?;
            } else {
                self.add(name, Value::Unknown(String::new()), line)?;
            }
            if !self.mark(',') {
                self.mark(';');
                return Ok(());
            }
        }
    }

    fn add(&mut self, name: String, value: Value, line: usize) -> Result<()> {
        if let Some(other) = self.found.iter().find(|known| known.name == name) {
            return Err(Unreadable {
                line,
                column: 1,
                what: format!("`{name}` is there already, in line {}", other.line),
            });
        }
        self.found.push(Constant { name, value, line });
        self.limited(self.found.len())
    }

    fn limited(&self, many: usize) -> Result<()> {
        if many <= MOST {
            return Ok(());
        }
        let at = self.peek().map_or(self.text.len(), |token| token.start);
        Err(place(
            self.text,
            at,
            format!("more than {MOST} are too many"),
        ))
    }

    /// From a name to its `=`.
    fn skip_type(&mut self) -> Result<()> {
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Mark('=' | ';') => break,
                Kind::Mark('{' | '[' | '(') => self.skip_group()?,
                _ if token.first && self.begins_statement(token) => break,
                _ => self.at += 1,
            }
        }
        Ok(())
    }

    fn begins_statement(&self, token: &Token) -> bool {
        token.kind == Kind::Word && STATEMENTS.contains(&self.written(token))
    }

    /// To its semicolon, its closing brace, or the next one's beginning. Takes one token at least.
    fn skip_statement(&mut self) -> Result<()> {
        let mut began = false;
        while let Some(token) = self.peek() {
            if began && token.first && self.begins_statement(token) {
                return Ok(());
            }
            began = true;
            match token.kind {
                Kind::Mark(';') => {
                    self.at += 1;
                    return Ok(());
                }
                Kind::Mark('{' | '[' | '(') => self.skip_group()?,
                Kind::Mark('}' | ']' | ')') => {
                    return Err(place(
                        self.text,
                        token.start,
                        "nothing is open that this closes",
                    ));
                }
                _ => self.at += 1,
            }
        }
        Ok(())
    }

    /// What is between brackets, whatever it is.
    fn skip_group(&mut self) -> Result<()> {
        let mut open: Vec<(char, usize)> = Vec::new();
        while let Some(token) = self.next() {
            match token.kind {
                Kind::Mark('{') => open.push(('}', token.start)),
                Kind::Mark('[') => open.push((']', token.start)),
                Kind::Mark('(') => open.push((')', token.start)),
                Kind::Mark(c @ ('}' | ']' | ')')) => match open.pop() {
                    Some((wanted, _)) if wanted == c => {}
                    Some((wanted, _)) => {
                        let what = format!("`{wanted}` is due here");
                        return Err(place(self.text, token.start, what));
                    }
                    None => break,
                },
                _ => {}
            }
            if open.is_empty() {
                return Ok(());
            }
        }
        let start = open.last().map_or(self.text.len(), |(_, start)| *start);
        Err(place(self.text, start, "this isn't closed"))
    }

    /// A literal where nothing but its end follows, else [`Value::Unknown`].
    fn expression(&mut self, depth: usize) -> Result<Value> {
        let start = self.at;
        let value = self.literal(depth)?;
        // `as const`, `as AuthMode`, `satisfies Config`, `!`
        if value.is_some() {
            while self.mark('!') {}
            while self.word("as") || self.word("satisfies") {
                self.skip_named_type()?;
            }
        }
        if let Some(value) = value
            && self.is_end(depth)
        {
            return Ok(value);
        }
        self.at = start;
        self.skip_expression(depth)?;
        Ok(self.unknown(start))
    }

    /// A name, `const`, `'a' | 'b'`, `string[]`, `{…}`: to where a value's end may be.
    fn skip_named_type(&mut self) -> Result<()> {
        let mut end = 0;
        while let Some(token) = self.peek() {
            let (start, touches) = (token.start, token.start == end);
            end = token.end;
            match token.kind {
                // `||` and `&&` belong to an expression, whose value isn't known.
                Kind::Mark('|' | '&')
                    if touches
                        && matches!(
                            self.text.as_bytes().get(start.wrapping_sub(1)),
                            Some(b'|' | b'&')
                        ) =>
                {
                    break;
                }
                Kind::Mark('{' | '[' | '(') => self.skip_group()?,
                Kind::Mark('|' | '&' | '.' | '<' | '>') | Kind::Text(_) => self.at += 1,
                Kind::Word
                    if !(["as", "satisfies"].contains(&self.written(token))
                        || token.first && self.begins_statement(token)) =>
                {
                    self.at += 1;
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn is_end(&self, depth: usize) -> bool {
        match self.peek() {
            None => true,
            Some(token) => match token.kind {
                Kind::Mark(',' | ';') => true,
                Kind::Mark('}' | ']') => depth > 0,
                Kind::Word => depth == 0 && token.first && self.begins_statement(token),
                _ => false,
            },
        }
    }

    /// To the comma, the semicolon or the bracket that ends it.
    fn skip_expression(&mut self, depth: usize) -> Result<()> {
        let start = self.at;
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Mark(',' | ';') => break,
                Kind::Mark('{' | '[' | '(') => self.skip_group()?,
                Kind::Mark('}' | ']' | ')') if depth > 0 => break,
                Kind::Mark('}' | ']' | ')') => {
                    return Err(place(
                        self.text,
                        token.start,
                        "nothing is open that this closes",
                    ));
                }
                Kind::Word
                    if depth == 0
                        && self.at > start
                        && token.first
                        && self.begins_statement(token) =>
                {
                    break;
                }
                _ => self.at += 1,
            }
        }
        Ok(())
    }

    /// What was read since, as it is written, on one line.
    fn unknown(&self, from: usize) -> Value {
        let tokens = self.tokens.get(from..self.at).unwrap_or_default();
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
            return Value::Unknown(String::new());
        };
        let written = self.text.get(first.start..last.end).unwrap_or_default();
        let words = written.split_whitespace().take(QUOTED);
        let line = words.collect::<Vec<_>>().join(" ");
        let mut quoted: String = line.chars().take(QUOTED).collect();
        if quoted.len() < line.len() {
            quoted.push('…');
        }
        Value::Unknown(quoted)
    }

    /// `None`: the next tokens are none.
    fn literal(&mut self, depth: usize) -> Result<Option<Value>> {
        let Some(token) = self.next() else {
            return Ok(None);
        };
        if depth > DEEPEST {
            return Err(place(
                self.text,
                token.start,
                format!("more than {DEEPEST} levels"),
            ));
        }
        Ok(Some(match &token.kind {
            Kind::Text(text) => Value::Text(text.clone()),
            Kind::Number => Value::Number(self.written(token).to_owned()),
            Kind::Mark('{') => self.object(token.start, depth)?,
            Kind::Mark('[') => self.list(token.start, depth)?,
            Kind::Word => match self.written(token) {
                "null" | "undefined" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                // A constant above, whose value may be known.
                name => match self.found.iter().find(|known| known.name == name) {
                    Some(known) if known.value.is_short() => known.value.clone(),
                    _ => return Ok(None),
                },
            },
            _ => return Ok(None),
        }))
    }

    fn list(&mut self, start: usize, depth: usize) -> Result<Value> {
        let mut items = Vec::new();
        loop {
            if self.mark(']') {
                return Ok(Value::List(items));
            }
            let from = self.at;
            items.push(self.expression(depth + 1)?);
            self.limited(items.len())?;
            self.separated(start, ']', from)?;
        }
    }

    fn object(&mut self, start: usize, depth: usize) -> Result<Value> {
        let mut members: Vec<(String, Value)> = Vec::new();
        loop {
            if self.mark('}') {
                return Ok(Value::Object(members));
            }
            let from = self.at;
            let key = match self.next() {
                Some(token) => match &token.kind {
                    Kind::Text(text) => Some(text.clone()),
                    Kind::Word | Kind::Number => Some(self.written(token).to_owned()),
                    _ => None,
                },
                None => None,
            };
            match key {
                Some(key) if self.mark(':') => {
                    let value = self.expression(depth + 1)?;
                    members.retain(|(known, _)| *known != key);
                    members.push((key, value));
                }
                // `{a}`, `{...a}`, `{a() {}}`, `{[a]: b}`: what it holds isn't known, nor what it replaces.
                _ => {
                    self.at = from;
                    self.skip_expression(depth + 1)?;
                    let written = self.unknown(from);
                    for (_, value) in &mut members {
                        *value = written.clone();
                    }
                    let name = self.tokens.get(from).map(|token| self.written(token));
                    members.push((name.unwrap_or_default().to_owned(), written));
                }
            }
            self.limited(members.len())?;
            self.separated(start, '}', from)?;
        }
    }

    /// A comma, or the end. `from`: where the item began.
    fn separated(&mut self, start: usize, end: char, from: usize) -> Result<()> {
        if self.mark(',') || self.is_mark(end) {
            return Ok(());
        }
        match self.peek() {
            None => Err(place(self.text, start, "this isn't closed")),
            Some(token) => {
                let what = if self.at == from {
                    format!("a value or `{end}` is due here")
                } else {
                    format!("a comma or `{end}` is due here")
                };
                Err(place(self.text, token.start, what))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        let found = constants(format!("const X = {text}").as_bytes());
        let found = found.unwrap_or_else(|problem| panic!("{text}: {problem}"));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found.into_iter().next().unwrap().value
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn unknown(written: &str) -> Value {
        Value::Unknown(written.to_owned())
    }

    #[test]
    fn literals_are_what_they_say() {
        for (written, expected) in [
            ("null", Value::Null),
            ("undefined;", Value::Null),
            ("true", Value::Bool(true)),
            ("30", Value::Number("30".to_owned())),
            ("'it\\'s'", text("it's")),
            ("\"a\\\"b\"", text("a\"b")),
            ("`a 'b' \"c\"`", text("a 'b' \"c\"")),
            ("`two\nlines`", text("two\nlines")),
            ("'a\\\n b'", text("a b")),
            ("'\\x41\\u00e9\\u{1F600}\\ud83d\\ude00'", text("Aé😀😀")),
            (
                "'// no comment /* none */'",
                text("// no comment /* none */"),
            ),
            ("'x' as const", text("x")),
            ("'x' as AuthMode;", text("x")),
            ("'x' satisfies 'x' | 'y';", text("x")),
            ("'x'!;", text("x")),
            ("[]", Value::List(vec![])),
            (
                "['a', \"b\",] as string[];",
                Value::List(vec![text("a"), text("b")]),
            ),
            ("{ }", Value::Object(vec![])),
        ] {
            assert_eq!(value(written), expected, "{written}");
        }
        assert_eq!(
            value(
                "{\n  a: 'x', // one\n  'b-c': [null, /* two */ 'y'],\n  d: {e: `z`},\n} as const"
            ),
            Value::Object(vec![
                ("a".to_owned(), text("x")),
                ("b-c".to_owned(), Value::List(vec![Value::Null, text("y")])),
                (
                    "d".to_owned(),
                    Value::Object(vec![("e".to_owned(), text("z"))])
                ),
            ])
        );
    }

    #[test]
    fn what_only_a_run_tells_is_unknown() {
        for written in [
            "AuthMode.Cognito",
            "process.env.POOL",
            "process.env.POOL || 'x'",
            "'a' + 'b'",
            "`${a}b`",
            "`${`${a}`}`",
            "f('x')",
            "x ? 'a' : 'b'",
            "() => 'x'",
            "-1",
            "new Map()",
            "'x'.trim()",
            "'a' === 'b'",
        ] {
            assert_eq!(value(written), unknown(written), "{written}");
            let inside = value(&format!("{{a: {written}, b: 'y'}}"));
            let expected = [("a", unknown(written)), ("b", text("y"))];
            let expected = expected.map(|(name, value)| (name.to_owned(), value));
            assert_eq!(inside, Value::Object(expected.to_vec()), "{written}");
        }
        assert_eq!(value("a\n  .b(\n 'c')"), unknown("a .b( 'c')"));
        let Value::Unknown(long) = value(&format!("f({})", "é".repeat(99))) else {
            panic!();
        };
        assert_eq!(long.chars().count(), QUOTED + 1);
        // What is spread over an object may replace all that it had.
        assert_eq!(
            value("{a: 'x', ...more, b: 'y'}"),
            Value::Object(vec![
                ("a".to_owned(), unknown("...more")),
                (".".to_owned(), unknown("...more")),
                ("b".to_owned(), text("y")),
            ])
        );
    }

    #[test]
    fn constants_are_found_among_all_else() {
        let file = "#!/usr/bin/env node\n\
            import { A, B } from './types';\nimport './x'\n\
            type Mode = null | 'a';\nexport type Config = {\n  X: string;\n  f: () => void;\n};\n\
            interface I { a: string }\nenum E { A = 'a', B = 'b' }\nexport const enum F { A = 'a' }\n\
            /** const COMMENT = 'no'; */\n\
            export const X: Mode = 'x';\n\
            const Y: { a: string; b: (c: string) => void } = { a: 'y', b: 1 }, Z = 'z'\n\
            const NO_SEMICOLON = ['a']\n\
            let changing = 'a';\n\
            function f() { const INNER = 'inner'; return `}`; }\n\
            if (X) { f(); }\n\
            const SAME = X;\nconst LATER: Mode\n\
            export { X, Y };\nexport default SAME;\n";
        let found = constants(file.as_bytes()).unwrap();
        let names: Vec<(&str, usize)> = found.iter().map(|c| (c.name.as_str(), c.line)).collect();
        assert_eq!(
            names,
            [
                ("X", 13),
                ("Y", 14),
                ("Z", 14),
                ("NO_SEMICOLON", 15),
                ("changing", 16),
                ("SAME", 19),
                ("LATER", 20),
                ("default", 22),
            ]
        );
        let of = |name: &str| found.iter().find(|c| c.name == name).unwrap().value.clone();
        assert_eq!(of("X"), text("x"));
        assert_eq!(of("NO_SEMICOLON"), Value::List(vec![text("a")]));
        assert_eq!(of("changing"), unknown("'a'"));
        assert_eq!((of("SAME"), of("default")), (text("x"), text("x")));
        assert_eq!(of("LATER"), unknown(""));
    }

    /// A name brings no more than it is long, however often it comes.
    #[test]
    fn a_name_stands_for_short_values_only() {
        let file = "const A = ['x'];\nconst B = [A, A];\nconst C = 'y', D = {c: C, a: A};";
        let found = constants(file.as_bytes()).unwrap();
        assert_eq!(
            found[1].value,
            Value::List(vec![unknown("A"), unknown("A")])
        );
        assert_eq!(
            found[3].value,
            Value::Object(vec![
                ("c".to_owned(), text("y")),
                ("a".to_owned(), unknown("A"))
            ])
        );
        let long = "x".repeat(LONGEST + 1);
        let found = constants(format!("const A = '{long}', B = A").as_bytes()).unwrap();
        assert_eq!(found[1].value, unknown("A"));
    }

    /// Bytes of anybody's: an answer or an error with a place in the file, and no panic.
    #[test]
    fn any_bytes_come_to_an_end() {
        const FILE: &str = "#!/x\nimport {A} from './a';\nexport type T = {a: string; b: () => void};\n\
            /* é */ export const MODE: T | null = 'cognito_jwt' as const; // one\n\
            export const NAMES: T = {\n  cfDomains: ['a.example', \"b\\u00e9\", `c`],\n  d: {e: null, ...f, [g]: 1}\n}\n\
            const X = process.env.X || `${A}b`, Y = MODE;\nlet z = -1;\nexport default {X, Y: 'y'};\n";
        const PIECES: &[&str] = &[
            "{", "}", "[", "]", "(", ")", "'", "\"", "`", "${", "\\", "\\u{", "/*", "*/", "//",
            "\n", "=", "=>", ",", ";", ":", "...", "const ", "export ", "default ", "as ", "\0",
            "\u{2028}", "é", "😀", "\u{feff}",
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut read = 0;
        for _ in 0..20_000 {
            let mut bytes = FILE.as_bytes().to_vec();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                match random(4) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes[at] = u8::try_from(random(256)).unwrap(),
                    2 => drop(bytes.drain(at..(at + random(20)).min(bytes.len()))),
                    _ => {
                        let piece = PIECES[random(PIECES.len())];
                        drop(bytes.splice(at..at, piece.bytes()));
                    }
                }
                if bytes.is_empty() {
                    bytes.push(b'{');
                }
            }
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
            match constants(&bytes) {
                Ok(found) => {
                    read += 1;
                    assert!(found.iter().all(|one| (1..=lines).contains(&one.line)));
                }
                Err(problem) => {
                    assert!((1..=lines).contains(&problem.line), "{problem}: {bytes:?}");
                    assert!(problem.column >= 1 && !problem.what.is_empty());
                }
            }
        }
        // Both happen.
        assert!((2_000..18_000).contains(&read), "{read}");
    }

    #[test]
    fn a_byte_order_mark_and_other_line_ends_are_nothing() {
        let found = constants("\u{feff}const A = 'a'\r\nconst B = 'b'\r\n".as_bytes()).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].line, 2);
    }

    #[test]
    fn what_cant_be_read_has_its_place() {
        for (file, said) in [
            ("const A = 'x", "1:11: this text has no end"),
            ("const A = 'x\n';", "1:11: this text has no end"),
            ("\nconst A = `x", "2:11: this text has no end"),
            ("/* é\n", "1:1: this comment has no end"),
            ("const A = {\n  b: 'x'", "1:11: this isn't closed"),
            ("const A = [{b: 1}, 'c'", "1:11: this isn't closed"),
            ("const A = f({\n", "1:13: this isn't closed"),
            ("const A = f(]", "1:13: `)` is due here"),
            ("const A = ['x'}", "1:15: a comma or `]` is due here"),
            ("const A = '\\u{110000}'", "1:12: this isn't an escape"),
            ("const A = '\\xg0'", "1:12: this isn't an escape"),
            ("}", "1:1: nothing is open that this closes"),
            (
                "const A = 'a';\n const A = 'b';",
                "2:1: `A` is there already, in line 1",
            ),
        ] {
            let problem = constants(file.as_bytes()).map(|found| panic!("{file}: {found:?}"));
            let problem = problem.unwrap_err().to_string();
            assert!(problem.starts_with(said), "{file}: {problem}");
        }
        let said = |bytes: &[u8]| constants(bytes).unwrap_err().to_string();
        assert!(said(b"const A = '\xff'").starts_with("1:12: the file isn't UTF-8"));
        assert!(said(b"\xff\xfec\0").contains("UTF-16"));
        for many in ["const A = [", "const A = {", ""] {
            let item = |i| match many.bytes().last() {
                Some(b'[') => format!("{i},"),
                Some(b'{') => format!("a{i}: 1, ...b,"),
                _ => format!("const A{i} = 1;"),
            };
            let file = many.to_owned() + &(0..1100).map(item).collect::<String>();
            assert!(said(file.as_bytes()).ends_with("more than 1000 are too many"));
        }
        let deep = format!("const A = {}", "[".repeat(100_000));
        assert!(said(deep.as_bytes()).contains("more than 32 levels"));
        let deep = format!("const A = f{}", "(".repeat(100_000));
        assert!(said(deep.as_bytes()).contains("isn't closed"));
    }
}
