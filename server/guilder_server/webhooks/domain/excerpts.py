"""The beginning of what a listener answered, made fit to be stored and shown."""

from __future__ import annotations

from unicodedata import category

from guilder_server.webhooks.domain.replies import LONGEST_EXCERPT

# More bytes than this cannot show: a character is at most four.
EXCERPT_BYTES = 4 * LONGEST_EXCERPT

# PostgreSQL stores no NUL in JSON, terminals obey escapes, and what turns the direction of writing
# makes a line read as what it is not.
_UNFIT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def excerpt_of(body: bytes) -> str:
    text = body[:EXCERPT_BYTES].decode("utf-8", "replace")[:LONGEST_EXCERPT]
    if text.isprintable():
        return text
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if category(char) in _UNFIT and char not in "\t\n\r" else char
        for char in text
    )
