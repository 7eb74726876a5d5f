"""seam.py is the one way to MiniStack: no other file imports it or takes a private name of another module, and each row
of the seam's table is used as the row says."""

import ast
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(FOLDER))

import change_sets
import distributions
import invalidations
import invoke
import log_lines
import resources
import seam
import stacks
import web_acls

PRIVATE = re.compile(r"_(?!_)")
aliases = {name: value for name, value in vars(seam).items() if isinstance(value, seam.Module)}
taken, wrong = set(), []


def look(path, node):
    """Remembers what is taken from another module, and what should come by the seam."""
    if isinstance(node, ast.Import):
        names = [one.name for one in node.names if one.name.split(".")[0] == "ministack"]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module] if node.module.split(".")[0] == "ministack" else []
        names += [one.name for one in node.names if PRIVATE.match(one.name)]
    elif isinstance(node, ast.Attribute):
        owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        taken.add((owner, node.attr))
        own = owner == "self" or (owner, node.attr) == ("os", "_exit")
        names = [] if own or not PRIVATE.match(node.attr) else [f"{owner}.{node.attr}"]
    else:
        names = []
    wrong.extend(f"{path}:{node.lineno}: {name}" for name in names)


files = [path.relative_to(FOLDER) for path in FOLDER.rglob("*.py")]
assert len(files) > 25, files
for path in files:
    for node in ast.walk(ast.parse((FOLDER / path).read_text())):
        look(path, node)
wrong = [place for place in wrong if not place.startswith("seam.py:")]
assert not wrong, f"not by the seam: {wrong}"

# Replacements name their rows in strings: what is put in is seen as it is done.
put = set()
original = seam.Module.put


def remembering(self, how, name, value):
    put.add((self, name))
    original(self, how, name, value)


seam.Module.put = remembering
for module in (change_sets, distributions, invalidations, invoke, log_lines, resources, stacks, web_acls):
    module.install()
idle = []
for alias, module in aliases.items():
    for name, row in module.rows.items():
        if row.how in (seam.REPLACED, seam.ADDED):
            used = (module, name) in put
        else:
            # What a class has is taken from an instance.
            _, inner, member = name.partition(".")
            used = any(attribute == member for _, attribute in taken) if inner else (alias, name) in taken
        if not used:
            idle.append(f"{alias}.{name}")
assert not idle, f"nobody uses these rows of seam.py: {idle}"
