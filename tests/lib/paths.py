# SPDX-License-Identifier: Apache-2.0
"""Where things are."""

import atexit
import os
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build")).absolute()
GATE = BUILD / "policy-gate"
# Test images do not depend on how the program was built.
IMAGES = ROOT / "build" / "test-images"

_work = None
keep_work = False


def work():
    """This program's own folder: removed at its end, kept when a test fails."""
    global _work
    if _work is None:
        name = pathlib.Path(sys.argv[0]).stem
        _work = BUILD / "tests" / "work" / f"{name}-{os.getpid()}"
        shutil.rmtree(_work, ignore_errors=True)
        _work.mkdir(parents=True)
    return _work


def _clean():
    if _work and keep_work:
        print(f"# logs and files are kept in {_work}", flush=True)
    elif _work:
        shutil.rmtree(_work, ignore_errors=True)


# Registered before lib.process registers its own: runs after that, when no
# process writes there any more.
atexit.register(_clean)


def write(name, text):
    """Writes a file into work(); returns its path."""
    path = work() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
