"""The keys that sign tokens, and when each of them does.

    made ── published ──┬── signs ──────────────┬── verifies ──┐ forgotten
                        signs_from              signs_until    + the life of a token

The next key is published well before it signs, so that whoever keeps a copy of the key set has it
by then; and a key is published until the last token that it signed has expired.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

TOKEN_LIFE = timedelta(minutes=10)
# How long others may keep a copy of the key set.
COPIED_FOR = timedelta(minutes=5)
_LONGEST_AHEAD = timedelta(hours=1)
# Clocks of processes differ.
_SLACK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`public` is its public half as a JWK, `sealed` the private one."""

    kid: str
    created: datetime
    signs_from: datetime
    signs_until: datetime
    public: dict[str, str]
    sealed: bytes = field(repr=False)


def signing(keys: Iterable[SigningKey], now: datetime) -> SigningKey | None:
    """The one that signs now."""
    good = [key for key in keys if key.signs_from <= now < key.signs_until]
    return max(good, key=lambda key: key.signs_from, default=None)


def published(keys: Iterable[SigningKey], now: datetime) -> list[SigningKey]:
    """Those that are, were or will be signing, and whose tokens may be good."""
    return [key for key in keys if now < key.signs_until + TOKEN_LIFE + _SLACK]


def missing(
    keys: Sequence[SigningKey], now: datetime, period: timedelta
) -> list[tuple[datetime, datetime]]:
    """From when until when each key that has to be made is to sign."""
    end = max((key.signs_until for key in keys), default=now)
    found = []
    if end <= now:
        found.append((now, now + period))
        end = now + period
    if end - now <= min(period / 2, _LONGEST_AHEAD):
        found.append((end, end + period))
    return found
