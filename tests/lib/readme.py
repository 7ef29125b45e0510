# SPDX-License-Identifier: Apache-2.0
"""The README's code blocks, found by a word that stands in them."""

import re

from lib import paths, process

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Stands for the reader's registry wherever the README needs one.
HOST = "registry.example.com"


def blocks():
    """(language, text) of every block, in order."""
    return FENCE.findall((paths.ROOT / "README.md").read_text())


def block(language, word):
    """The one block of that language with the word in it."""
    found = [text for lang, text in blocks()
             if lang == language and word in text]
    if len(found) != 1:
        raise process.Failed(f"README.md has {len(found)} {language} blocks "
                             f"with \"{word}\"; 1 was expected")
    return found[0]
