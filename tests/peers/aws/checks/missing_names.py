"""The launcher over a MiniStack that has lost what the arguments name, as `services.s3._delete_bucket`, and whose
function `services.cloudfront._find` takes something else."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import launcher
import seam

find = seam.find
lost = sys.argv[1:]


def without(module, name):
    if f"{module}.{name}" in lost:
        raise AttributeError(name)
    return (lambda element: None) if (module, name) == ("services.cloudfront", "_find") else find(module, name)


seam.find = without
launcher.main()
