# SPDX-License-Identifier: Apache-2.0
"""Names, told to this machine as a test likes, in a network of its own."""

import socket
import struct
import threading
import time

from lib import namespace

ADDRESS = "127.0.0.53"
A, NXDOMAIN = 1, 3
RESPONSE = 0x8180


class Server(threading.Thread):
    """
    tell: function(name) -> (address or None, seconds that it takes); None
          instead of both: silence
    """

    def __init__(self, tell):
        super().__init__(daemon=True)
        self.tell = tell
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ADDRESS, 53))
        namespace.instead_of("/etc/resolv.conf", f"nameserver {ADDRESS}\n")
        self.start()

    def close(self):
        self.socket.close()

    def run(self):
        while True:
            try:
                query, client = self.socket.recvfrom(512)
            except OSError:
                return
            threading.Thread(target=self.answer, args=(query, client),
                             daemon=True).start()

    def answer(self, query, client):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12:at + 5]
        name = ".".join(labels)
        self.asked.append(name)
        told = self.tell(name)
        if told is None:
            return
        address, seconds = told
        time.sleep(seconds)
        kind, = struct.unpack("!H", question[-4:-2])
        record = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 1, 4) + \
            socket.inet_aton(address) if address and kind == A else b""
        self.socket.sendto(query[:2] + struct.pack(
            "!HHHHH", RESPONSE | (0 if address else NXDOMAIN), 1,
            1 if record else 0, 0, 0) + question + record, client)
