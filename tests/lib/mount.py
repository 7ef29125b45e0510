# SPDX-License-Identifier: Apache-2.0
"""Files that are replaced while a gate reads them."""

import itertools
import pathlib
import shutil

from lib import paths, pki


class Mount:
    """
    A folder that changes as a mounted Secret does: all at once. A file's name
    may have a folder in it, as `items` of a volume do.
    """

    def __init__(self, name, files):
        self.dir = paths.work() / name
        self.dir.mkdir()
        self.version = itertools.count()
        self.fresh = None
        for top in {pathlib.PurePath(file).parts[0] for file in files}:
            (self.dir / top).symlink_to(f"..data/{top}")
        self.put(files)

    def put(self, files):
        old, self.fresh = self.fresh, self.dir / f"..v{next(self.version)}"
        for file, text in files.items():
            (self.fresh / file).parent.mkdir(parents=True, exist_ok=True)
            (self.fresh / file).write_text(text)
        (self.dir / "..data.new").symlink_to(self.fresh.name)
        (self.dir / "..data.new").rename(self.dir / "..data")
        if old:
            shutil.rmtree(old)


class Inputs:
    """
    What a gate reads, each part mounted, to be given as its `certs`, too. The
    authority is the one of clients as well.

    policy, config: functions of a number, 0 and on, that say what the file
                    reads then
    """

    _names = itertools.count(1)

    def __init__(self, policy, config):
        self.name = f"inputs-{next(self._names)}"
        self.policy_text, self.config_text = policy, config
        self.number = 0
        self.authority = pki.Authority(self.name)
        self.certs = Mount(f"{self.name}-certs", self.leaf())
        self.files = Mount(f"{self.name}-files", self.texts())
        self.policy, self.config, self.clients = (self.files.dir / f for f in (
            "policy.yaml", "config.json", "clients.pem"))
        # As lib.gate.Certificates has them.
        self.ca = self.authority.crt
        self.crt, self.key = (self.certs.dir / f for f in (
            "tls.crt", "tls.key"))

    def leaf(self):
        crt, key = self.authority.issue(f"leaf-{self.number}")
        return {"tls.crt": crt.read_text(), "tls.key": key.read_text()}

    def texts(self):
        return {"policy.yaml": self.policy_text(self.number),
                "config.json": self.config_text(self.number),
                "clients.pem": f"{self.number}\n" +
                self.authority.crt.read_text()}

    def change(self):
        self.number += 1
        self.certs.put(self.leaf())
        self.files.put(self.texts())
