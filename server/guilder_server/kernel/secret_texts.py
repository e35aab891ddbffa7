"""What looks like a secret in the middle of a text: an API key, a token, a card's number.

For logs, where callers put words of theirs: a path, an address, a message that repeats what was
sent. It errs on the side of telling too little.
"""

from __future__ import annotations

import re

from guilder_server.kernel.redaction import REDACTED

_SECRET = re.compile(
    r"""(?:sk|rk|pk|ocs)_(?:live|test)_\w+    # API keys, secrets of OAuth clients
      | (?:sec|secret|token)_[\w+/=-]{8,}      # whsec_…, pi_…_secret_…
      # JSON web tokens. Each word is looked through once, however often one may begin in it.
      | (?<![\w-])(?=[\w-]*?eyJ[\w-]{5})[\w-]++\.[\w-]+(?:\.[\w-]*)?
      | (?:bearer|basic)\s+[\w.~+/=-]{8,}
      | \$argon2\S+
      | -----BEGIN[^-]+-----.*
      | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)       # a password in a URL
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
SHORTEST = 12
# One of these is in whatever has the form of a secret, in small letters.
_MARKS = (
    *("k_live_", "k_test_", "ocs_live_", "ocs_test_", "sec_", "secret_", "token_"),
    *("eyj", "bearer", "basic", "$argon2", "-----begin", "://"),
)
# As people write card numbers, in whatever script's digits.
_DIGITS = re.compile(r"\d(?:[ .\-]?\d){11,}")
_LONGEST_CARD = 19


def redacted_text(text: str) -> str:
    """`text` without what looks like a secret."""
    if len(text) < SHORTEST:
        return text
    return _DIGITS.sub(_without_card, _SECRET.sub(REDACTED, text))


def _without_card(match: re.Match[str]) -> str:
    digits = [int(one) for one in match.group() if one.isdecimal()]
    if len(digits) <= _LONGEST_CARD and not _luhn(digits):
        return match.group()
    return REDACTED


def _luhn(digits: list[int]) -> bool:
    doubled = sum(sum(divmod(2 * one, 10)) for one in digits[-2::-2])
    return (sum(digits[-1::-2]) + doubled) % 10 == 0


def suspicious(text: str) -> bool:
    """Whether `redacted_text` may find something in a text: a quick look at many at once."""
    lower = text.lower()
    return any(mark in lower for mark in _MARKS) or _DIGITS.search(text) is not None
