"""Blanks the unwind tables of a program: `blank.py PROGRAM`. Zeros take no room in an archive.

In the profile `dist`, a panic aborts and nothing unwinds, but the compiler writes the tables all the same. They can't be cut
out, since they are in pages that are mapped. A reader takes zeros for tables without an entry (Linux Standard Base, 10.6).
"""

import struct
import sys
from pathlib import Path

# As compiler/cli/src/artifact/recipe.rs has them, for the edge functions.
TABLES = {b".eh_frame", b".eh_frame_hdr", b".gcc_except_table"}

# ELF-64 Object File Format, "ELF Header" and "Sections": little-endian, of these sizes.
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
NOTHING_IN_THE_FILE = 8


def main(path):
    program = bytearray(path.read_bytes())
    if program[:6] != b"\x7fELF\x02\x01":
        raise SystemExit(f"release: {path} is no program for 64 bits and little-endian")
    header = HEADER.unpack_from(program)
    offset, size, count, names = header[6], header[11], header[12], header[13]
    sections = [SECTION.unpack_from(program, offset + index * size) for index in range(count)]
    strings = sections[names][4]
    blanked = set()
    for name, kind, _, _, start, length, *_ in sections:
        at = strings + name
        name = bytes(program[at : program.index(0, at)])
        if name in TABLES and kind != NOTHING_IN_THE_FILE:
            program[start : start + length] = bytes(length)
            blanked.add(name)
    if b".eh_frame" not in blanked:
        raise SystemExit(f"release: {path} has no unwind tables to blank")
    path.write_bytes(program)


main(Path(sys.argv[1]))
