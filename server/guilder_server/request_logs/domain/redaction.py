"""What of a request may be kept.

A parameter's value is kept only if the contract lists the parameter and does not call it
sensitive. Beyond that, in parameters and answers alike, nothing is kept under a name that speaks
of a secret, and nothing that looks like one: an API key, a token, a digit run that can be a card's
number. What is not understood is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from guilder_server.kernel.redaction import REDACTED
from guilder_server.kernel.secret_texts import SHORTEST, redacted_text, suspicious

# Of the parameters, and of the answer.
MOST_KEPT: Final = 8 * 1024
_LONGEST_NAME, _LONGEST_TEXT, _DEEPEST = 64, 5000, 16

# What may be kept of a value: all of it (ANY), or of an object the fields that are named.
Allowed: TypeAlias = "Mapping[str, Allowed] | None"
ANY: Final = None
# The name of every item of an array.
ITEM: Final = "[]"

_SECRET_WORDS = frozenset(
    {
        *("apikey", "assertion", "authorization", "bearer", "cardnumber", "cookie", "credential"),
        *("credentials", "csc", "csrf", "cvc", "cvc2", "cvn", "cvv", "cvv2", "jwt", "key"),
        *("number", "otp", "pan", "passcode", "passphrase", "passwd", "password", "pepper", "pin"),
        *("private", "pwd", "recovery", "secret", "secrets", "session", "signature", "ssn"),
        *("token", "tokens", "totp", "track", "verifier"),
    }
)
# Names with such a word that hold no secret. An idempotency key is the caller's own word.
_HARMLESS = frozenset({"idempotency_key", "public_key", "receipt_number", "tracking_number"})
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")


def speaks_of_a_secret(name: str) -> bool:
    if name.lower() in _HARMLESS:
        return False
    return any(word.lower() in _SECRET_WORDS for word in _WORDS.findall(name))


@lru_cache(maxsize=4096)
def _name(name: str) -> tuple[str, bool]:
    """A name as it may be shown, and whether its value must not be."""
    return redacted_text(name), speaks_of_a_secret(name)


def redacted(value: object, allowed: Allowed = ANY, most: int = MOST_KEPT) -> tuple[Any, bool]:
    """A copy of `value` that may be kept, of some `most` bytes at the largest, and whether
    something was too long to be in it."""
    # Nearly always nothing looks like a secret, and one look at all texts together says so.
    quick = _Copy(most, judges=False)
    found = quick.of(value, allowed)
    if not quick.truncated and not suspicious("\n".join(quick.texts)):
        return found, False
    careful = _Copy(most, judges=True)
    return careful.of(value, allowed), careful.truncated


class _Copy:
    """Makes a copy of one value. Without `judges` its texts are left as they are, and gathered."""

    def __init__(self, most: int, *, judges: bool) -> None:
        self._left, self._judges = most, judges
        self.texts: list[str] = []
        self.truncated = False

    def of(self, value: object, allowed: Allowed, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, bool):
            self._left -= 5
            return value
        if isinstance(value, int | float):
            text = str(value)
            self._left -= len(text)
            return value if self._judged(text) == text else REDACTED
        if depth < _DEEPEST:
            if isinstance(value, dict):
                return self._object(value, allowed, depth)
            if isinstance(value, list):
                return self._array(value, allowed, depth)
        self.truncated = True
        return REDACTED

    def _object(self, value: dict[str, Any], allowed: Allowed, depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, inner in value.items():
            if self._full():
                break
            shown, secret = _name(name) if len(name) <= _LONGEST_NAME else (REDACTED, True)
            self._left -= len(shown) + 4
            # A form says `items[0]`: the number stands for an item of an array.
            listed = allowed is not ANY and ITEM in allowed and name.isdecimal()
            known = allowed is ANY or listed or name in allowed
            if not known or (secret and inner is not None):
                kept[shown] = REDACTED
            else:
                within = ANY if allowed is ANY else allowed[ITEM if listed else name]
                kept[shown] = self.of(inner, within, depth + 1)
        return kept

    def _array(self, value: list[Any], allowed: Allowed, depth: int) -> list[Any]:
        kept: list[Any] = []
        within = ANY if allowed is ANY else allowed.get(ITEM, {})
        for inner in value:
            if self._full():
                break
            self._left -= 1
            kept.append(self.of(inner, within, depth + 1))
        return kept

    def _text(self, text: str) -> str:
        if len(text) > _LONGEST_TEXT:
            self.truncated = True
            text = REDACTED
        # Judged whole and cut afterwards: half a secret looks like none.
        found = self._judged(text)
        if len(found) > self._left:
            self.truncated = True
            found = found[: max(0, self._left)]
        self._left -= len(found) + 2
        return found

    def _judged(self, text: str) -> str:
        if len(text) < SHORTEST:
            return text
        if self._judges:
            return redacted_text(text)
        self.texts.append(text)
        return text

    def _full(self) -> bool:
        if self._left > 0:
            return False
        self.truncated = True
        return True
