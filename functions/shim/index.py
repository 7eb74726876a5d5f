"""Starts `bootstrap`, the program beside this file, which does the function's work.

Lambda@Edge takes managed runtimes only. There are two ways round that:

exec: importing this handler module replaces Python by the program, which then polls
the Lambda Runtime API itself: same process, same environment, same log, and no
interpreter left in memory.

child: Python stays, starts the program once per sandbox and is the program's Runtime
API, on loopback (child.py): `handler` hands events over and answers back. Taken where
exec is refused, or where the file `launch` beside this one says `child`.
"""

import os  # and nothing else: Python has it loaded, and any other module costs the cold start

_child = None


def handler(event, context):
    """What the function's configuration names. After an exec nobody is left to call it."""
    return _child.answer(event, context)


def start():
    global _child
    root = os.environ.get("LAMBDA_TASK_ROOT") or os.path.dirname(os.path.abspath(__file__))
    program = os.path.join(root, "bootstrap")
    # A program that runs from memory can't tell its own directory.
    environment = {**os.environ, "LAMBDA_TASK_ROOT": root}
    refused = []
    if not _wants_child(root):
        _, refused = _run(program, lambda file: os.execve(file, [program], environment))
    from child import Child

    _child = Child(program, environment, _run)
    _child.start(refused)
    if refused:
        line = f"warning: exec is refused ({'; '.join(refused)}): the program runs as a child of Python\n"
        os.write(2, line.encode())


def _wants_child(root):
    try:
        with open(os.path.join(root, "launch")) as file:
            return file.read().strip() == "child"
    except FileNotFoundError:
        return False


def _run(program, way):
    """Runs the program in place. Where the zip lost the mode bit, or nothing may be executed
    there, a copy in memory. What came of it, and the reasons why a way wasn't open."""
    reasons = []
    try:
        return way(program), reasons
    except Exception as error:  # whoever refuses it, and however
        reasons.append(f"in place: {error}")
    try:
        with open(program, "rb") as source, open(os.memfd_create("bootstrap"), "wb") as copy:
            copy.write(source.read())
            copy.flush()
            return way(copy.fileno()), reasons
    except Exception as error:  # as above
        reasons.append(f"from memory: {error}")
    return None, reasons


start()
