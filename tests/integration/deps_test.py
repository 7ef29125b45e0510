#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a task needs is installed, with an apt that only writes it down."""

import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from lib import paths, tap  # noqa: E402

# Refuses, as apt does, while another one is at work.
APT_GET = """\
#!/bin/sh
mkdir "$APT/lock" || exit 100
sleep 0.2
for word; do
    case $word in -*|update|install) ;; *) echo "$word" >>"$APT/got" ;; esac
done
rmdir "$APT/lock"
"""
DPKG_QUERY = """\
#!/bin/sh
sed 's/^/installed /' "$APT/got"
"""
SUDO = """\
#!/bin/sh
exec "$@"
"""


class Deps(unittest.TestCase):
    def test_sets_wanted_at_once_are_installed_one_after_the_other(self):
        apt = paths.work() / "apt"
        apt.mkdir()
        for name, script in (("apt-get", APT_GET), ("dpkg-query", DPKG_QUERY),
                             ("sudo", SUDO)):
            (apt / name).write_text(script)
            (apt / name).chmod(0o755)
        got = apt / "got"
        got.touch()
        running = [subprocess.Popen(
            [ROOT / "tests" / "deps", name], stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, APT=str(apt),
                     PATH=f"{apt}:{os.environ['PATH']}"))
            for name in ("build", "lint", "test")]
        for deps in running:
            _, err = deps.communicate(timeout=60)
            self.assertEqual(deps.returncode, 0, err)
        names = got.read_text().split()
        self.assertIn("libyaml-dev", names)
        self.assertEqual(names.count("libcmocka-dev"), 1,
                         "two sets hold it, one installs it")


if __name__ == "__main__":
    tap.main()
