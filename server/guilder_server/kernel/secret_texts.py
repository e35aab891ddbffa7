"""What looks like a secret in the middle of a text: an API key, a token, a card's number.

For logs, where callers put words of theirs: a path, an address, a message that repeats what was
sent. It errs on the side of telling too little.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from guilder_server.kernel.redaction import REDACTED

# Of a parameter in a URL: a name that ends so has a secret.
_NAMES = (
    *("token", "secret", "_key", "apikey", "password", "passwd", "passphrase", "pwd"),
    *("signature", "session", "jwt", "otp"),
)
_SECRET = re.compile(
    rf"""(?:sk|rk|pk|ocs)_(?:live|test)_\w+    # API keys, secrets of OAuth clients
      | (?:sec|secret|token)_[\w+/=-]{{8,}}      # whsec_…, pi_…_secret_…
      # JSON web tokens. Each word is looked through once, however often one may begin in it.
      | (?<![\w-])(?=[\w-]*?eyJ[\w-]{{5}})[\w-]++\.[\w-]+(?:\.[\w-]*)?
      | (?:bearer|basic)\s+[\w.~+/=-]{{8,}}
      | \$argon2\S+
      | -----BEGIN[^-]+-----.*
      | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)       # a password in a URL
      | [?&;][\w.\-\[\]%]{{0,64}}(?:{"|".join(_NAMES)})=[^\s&;\#]+
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
SHORTEST = 12
# One of these is in whatever has the form of a secret, in small letters.
_MARKS = (
    *("k_live_", "k_test_", "ocs_live_", "ocs_test_", "sec_", "secret_", "token_"),
    *("eyj", "bearer", "basic", "$argon2", "-----begin", "://"),
    *(f"{name}=" for name in _NAMES),
)
# As people write card numbers, in whatever script's digits.
_DIGITS = re.compile(r"\d(?:[\s._\-\u2010-\u2015]{0,2}\d){11,}")
# Most idempotency keys are one. Of so many digits between dashes, some would pass for a card.
_UUID = r"(?<![0-9a-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])"
_UUID_OR_DIGITS = re.compile(f"(?P<uuid>{_UUID})|{_DIGITS.pattern}", re.IGNORECASE)
_PARTS = re.compile(r"\d+")
_SHORTEST_CARD, _LONGEST_CARD = 12, 19


def redacted_text(text: str) -> str:
    """`text` without what looks like a secret."""
    if len(text) < SHORTEST:
        return text
    return _UUID_OR_DIGITS.sub(_without_card, _SECRET.sub(REDACTED, text))


def _without_card(match: re.Match[str]) -> str:
    if match["uuid"] is not None:
        return match.group()
    parts = [[int(one) for one in part] for part in _PARTS.findall(match.group())]
    if sum(map(len, parts)) > _LONGEST_CARD or _has_card(parts):
        return REDACTED
    return match.group()


def _has_card(parts: Sequence[list[int]]) -> bool:
    """Whether some parts of it in a row can be a number: digits of something else may follow."""
    for first in range(len(parts)):
        digits: list[int] = []
        for part in parts[first:]:
            digits += part
            if len(digits) >= _SHORTEST_CARD and _luhn(digits):
                return True
    return False


def _luhn(digits: list[int]) -> bool:
    doubled = sum(sum(divmod(2 * one, 10)) for one in digits[-2::-2])
    return (sum(digits[-1::-2]) + doubled) % 10 == 0


def suspicious(text: str) -> bool:
    """Whether `redacted_text` may find something in a text: a quick look at many at once."""
    lower = text.lower()
    return any(mark in lower for mark in _MARKS) or _DIGITS.search(text) is not None
