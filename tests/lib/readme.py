# SPDX-License-Identifier: Apache-2.0
"""Code blocks of what people read, found by a word that stands in them."""

import re
import textwrap

from lib import paths, process

FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# Stands for the reader's registry wherever one is needed.
HOST = "registry.example.com"
README = paths.ROOT / "README.md"


def blocks(page=README):
    """(language, text) of every block, in order."""
    return [(language, textwrap.dedent(text))
            for _, language, text in FENCE.findall(page.read_text())]


def block(language, word, page=README):
    """The one block of that language with the word in it."""
    found = [text for lang, text in blocks(page)
             if lang == language and word in text]
    if len(found) != 1:
        raise process.Failed(f"{page.name} has {len(found)} {language} blocks "
                             f"with \"{word}\"; 1 was expected")
    return found[0]
