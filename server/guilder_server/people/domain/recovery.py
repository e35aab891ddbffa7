"""Recovery codes: what lets somebody in, once each, who has no authenticator at hand.

80 random bits, in letters and digits that nobody takes for one another on paper.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

HOW_MANY = 10
_GROUPS, _GROUP = 4, 4
# Crockford's 32: without I, L, O and U.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None})


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """Ten that were just made, for the only time."""

    codes: tuple[str, ...] = field(repr=False)


def new() -> str:
    """As it is shown: four groups of four."""
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
    )


def as_kept(code: str) -> str | None:
    """A code however it was typed, in the one spelling that is hashed; None if it can be none."""
    given = "".join(code.split()).upper().translate(_MEANT)
    right = len(given) == _GROUPS * _GROUP and set(given) <= set(_ALPHABET)
    return given if right else None
