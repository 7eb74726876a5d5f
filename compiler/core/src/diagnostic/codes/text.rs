//! Findings on the text itself.

codes! {
    "The text"

    TOO_LARGE "too-large" Error
    what: "The manifest is too large: more than 1 MiB of text, 64 levels of nesting or 50,000 values, aliases and variables counted as what they stand for."
    why: "No real manifest comes near; the bounds keep a hostile one from costing time or memory."
    remedy: "Look for an alias or a variable that multiplies itself, and write less."
    example: "\
service: x
auth: {mode: none}
resources:
  cdn:
    Metadata:
      a: &a [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
      b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
      c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
      d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
      e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
"
    fixed: "\
service: x
auth: {mode: none}
resources:
  cdn:
    Metadata:
      a: &a [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
      b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
"

    NOT_UTF8 "not-utf8" Error as Latin1
    what: "The file isn't UTF-8 text."
    why: "YAML files are Unicode. What other encodings mean by a byte can only be guessed."
    remedy: "Save it as UTF-8, with or without a byte order mark."
    example: "\
# für die Röntgenabteilung
service: x
auth: {mode: none}
"
    fixed: "\
# fuer die Roentgenabteilung
service: x
auth: {mode: none}
"

    SYNTAX "syntax" Error
    what: "The text isn't YAML 1.2."
    why: "Reading ends at the first such place, so it is the only finding. It is where the text can be read no further; the cause is there or shortly before: a tab in the indentation, a quote or a bracket left open, a colon without its space."
    remedy: "Mend the marked place or the line before it."
    example: "\
service: x
auth:
  mode: oidc
  issuer: 'https://login.example.org
  audience: frames
"
    fixed: "\
service: x
auth:
  mode: oidc
  issuer: 'https://login.example.org'
  audience: frames
"

    DUPLICATE_KEY "duplicate-key" Error
    what: "A key is in one mapping twice."
    why: "YAML readers disagree on which of them counts, so frames takes neither silently."
    remedy: "Remove one. What the merge key `<<` brings in may be overridden and is no duplicate."
    example: "\
service: x
auth: {mode: none}
delivery:
  http3: true
  http3: false
"
    fixed: "\
service: x
auth: {mode: none}
delivery:
  http3: false
"
}
