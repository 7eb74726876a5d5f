"""Hands the process over to `bootstrap`, the program beside this file.

Lambda@Edge takes managed runtimes only. Importing this handler module replaces
Python by the program, which then polls the Lambda Runtime API itself: same
process, same environment, same log, and no interpreter left in memory.
"""

import os  # and nothing else: Python has it loaded, and any other module costs the cold start


def handler(event, context):
    """What the function's configuration names. Never called: the import doesn't return."""
    raise RuntimeError("bootstrap should have taken over")


def start():
    root = os.environ.get("LAMBDA_TASK_ROOT") or os.path.dirname(os.path.abspath(__file__))
    program = os.path.join(root, "bootstrap")
    # A program that runs from memory can't tell its own directory.
    environment = {**os.environ, "LAMBDA_TASK_ROOT": root}
    try:
        os.execve(program, [program], environment)
    except OSError as error:
        in_place = error
    try:
        # The zip lost the mode bit, or nothing may be executed there: run a copy in memory.
        with open(program, "rb") as source, open(os.memfd_create("bootstrap"), "wb") as copy:
            copy.write(source.read())
            copy.flush()
            os.execve(copy.fileno(), [program], environment)
    except OSError as error:
        raise RuntimeError(
            f"can't start {program}: in place: {in_place}; from memory: {error}; package the function again"
        ) from error


start()
