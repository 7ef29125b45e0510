# SPDX-License-Identifier: Apache-2.0
"""Certificates for servers of the tests' own, made by openssl."""

from lib import paths, process

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    """A CA that lives as long as the test: .crt is its certificate."""

    def __init__(self, name="ca"):
        self.dir = paths.work() / f"pki-{name}"
        self.dir.mkdir()
        self.crt = self.dir / "ca.crt"
        self.key = self.dir / "ca.key"
        process.run(["openssl", "req", "-x509", *EC, "-days", "2", "-subj",
                     f"/CN=test {name}", "-addext",
                     "keyUsage=critical,keyCertSign", "-keyout", self.key,
                     "-out", self.crt])

    def issue(self, name, sans="IP:127.0.0.1,DNS:localhost", usage="",
              days=2):
        """Returns the paths of a leaf's certificate and key. With `days` below
        0 it has expired."""
        crt, key, csr, ext = (self.dir / f"{name}.{s}"
                              for s in ("crt", "key", "csr", "ext"))
        ext.write_text(f"subjectAltName={sans}\n" + (
            f"extendedKeyUsage={usage}\n" if usage else ""))
        process.run(["openssl", "req", *EC, "-subj", f"/CN={name}", "-keyout",
                     key, "-out", csr])
        process.run(["openssl", "x509", "-req", "-in", csr, "-CA", self.crt,
                     "-CAkey", self.key, "-CAcreateserial", "-days", days,
                     "-extfile", ext, "-out", crt])
        return crt, key
