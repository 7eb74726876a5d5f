"""The licences of everything inside a binary, in one text."""

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

from crates import ROOT

NAMES = re.compile(r"(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)
RULE = "=" * 100

# Not crates. The stand-in for HealthImaging has these images: compiler/emulator/data/README.md.
OTHERS = {
    "CT_small.dcm and MR_small.dcm of pydicom 3.0.2 (MIT)": "Copyright (c) 2008-2020 Darcy Mason and pydicom contributors",
}

# For crates whose package has no text of its licence.
MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
CC0 = "Dedicated to the public domain: https://creativecommons.org/publicdomain/zero/1.0/\n"


def texts(crate):
    """What its package says; else the text of a licence that it names."""
    files = sorted(path for path in crate.folder.iterdir() if path.is_file() and NAMES.match(path.name))
    if files:
        return [path.read_text(encoding="utf-8", errors="replace") for path in files]
    names = set(re.split(r"\s+OR\s+", crate.licence))
    # A licence that holds its authors' names has none here to fill in but Cargo.toml's.
    if "Apache-2.0" in names:
        return [(ROOT / "LICENSE").read_text()]
    if "MIT" in names:
        authors = ", ".join(re.sub(r"\s*<.*", "", author) for author in crate.authors)
        return [f"Copyright (c) {authors or f'the authors of {crate.name}'}\n\n{MIT}"]
    if "CC0-1.0" in names:
        return [CC0]
    raise SystemExit(
        f"release: {crate.name} {crate.version} ({crate.licence}) has no text of its licence in {crate.folder}. "
        "Add the text to release/licences.py"
    )


def third_party(crates):
    """Each text once, after the crates that it is for."""
    holders = {}
    for crate in crates.values():
        if crate.sha256 is None:
            continue
        for text in texts(crate):
            # The same text is wrapped in many ways.
            held = holders.setdefault(" ".join(text.split()), (text, []))
            held[1].append(f"{crate.name} {crate.version} ({crate.licence})")
    parts = [
        "frames, and the edge functions inside it, contain the software below. Each text is under the names of what it\n"
        "is for. The Rust standard library comes last.\n"
    ]
    for text, names in sorted(holders.values(), key=lambda held: (held[1], held[0])):
        parts.append("\n".join(dict.fromkeys(names)) + "\n\n" + tidy(text))
    parts += [f"{name}\n\n{copyright}\n\n{MIT}" for name, copyright in OTHERS.items()]
    parts.append(standard_library())
    return f"\n{RULE}\n\n".join(parts)


def tidy(text):
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(lines).strip("\n") + "\n"


class Text(HTMLParser):
    """What a page says, without its marks."""

    BLOCKS = {"p", "li", "h1", "h2", "h3", "h4", "pre", "summary", "div", "br", "tr"}

    def __init__(self):
        super().__init__()
        self.said = []
        self.is_style = False

    def handle_starttag(self, tag, attributes):
        self.is_style = tag in ("style", "title")
        if tag in self.BLOCKS:
            self.said.append("\n")

    def handle_endtag(self, tag):
        self.is_style = False
        if tag in self.BLOCKS:
            self.said.append("\n")

    def handle_data(self, data):
        if not self.is_style:
            self.said.append(data)


def standard_library():
    """The toolchain has the notices of the standard library that it links."""
    sysroot = subprocess.run(
        ["rustc", "--print", "sysroot"], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ).stdout.strip()
    page = Path(sysroot) / "share/doc/rust/COPYRIGHT-library.html"
    if not page.is_file():
        raise SystemExit(f"release: the toolchain lacks the standard library's notices: {page}")
    parser = Text()
    parser.feed(page.read_text(encoding="utf-8"))
    return re.sub(r"\n{3,}", "\n\n", tidy("".join(parser.said)))
