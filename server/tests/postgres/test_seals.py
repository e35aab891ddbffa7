"""Secrets that have to be read again: only with the key, and only for what they were made for."""

from __future__ import annotations

import pytest

from guilder_server.postgres import snapshots
from guilder_server.postgres.seals import SealBroken, Seals, is_sealed

KEY = "a key of thirty-two characters !"
SEALS = Seals(KEY)
SECRET = b"whsec_0123456789abcdef"
PURPOSE = b"webhook secret 1 we_1"
ANSWER = b'{"id": "we_1", "secret": "whsec_0123456789abcdef"}'


@pytest.mark.parametrize("secret", [SECRET, b"", b"\0" * 100_000])
def test_what_was_sealed_is_read_again(secret: bytes) -> None:
    assert SEALS.open(SEALS.seal(secret, PURPOSE), PURPOSE) == secret
    # The key is all that must be kept: another process reads what this one sealed.
    assert Seals(KEY).open(SEALS.seal(secret, PURPOSE), PURPOSE) == secret


def test_nothing_of_a_secret_is_seen_and_no_two_seals_are_alike() -> None:
    seals = {SEALS.seal(SECRET, PURPOSE) for _ in range(100)}
    assert len(seals) == 100
    # Nor does any nonce come twice.
    assert len({sealed[1:13] for sealed in seals}) == 100
    assert not any(SECRET[6:14] in sealed for sealed in seals)


@pytest.mark.parametrize("key", [KEY.upper(), KEY + "x", KEY[:-1], ""])
def test_another_key_opens_nothing(key: str) -> None:
    with pytest.raises(SealBroken, match="GUILDER_SEALING_KEY") as broken:
        Seals(key).open(SEALS.seal(SECRET, PURPOSE), PURPOSE)
    assert broken.value.__cause__ is None
    assert KEY not in str(broken.value)


@pytest.mark.parametrize("purpose", [b"", b"webhook secret 2 we_1", b"webhook secret 1 we_2"])
def test_a_secret_that_was_moved_is_none(purpose: bytes) -> None:
    with pytest.raises(SealBroken):
        SEALS.open(SEALS.seal(SECRET, PURPOSE), purpose)


def test_a_seal_that_is_damaged_anywhere_does_not_open() -> None:
    sealed = SEALS.seal(SECRET, PURPOSE)
    for place in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[place] ^= 1
        with pytest.raises(SealBroken):
            SEALS.open(bytes(damaged), PURPOSE)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            SEALS.open(sealed[:length], PURPOSE)
    with pytest.raises(SealBroken):
        SEALS.open(sealed + b"\0", PURPOSE)


@pytest.mark.parametrize("first_byte", [0, 2, 0xFF])
def test_a_seal_of_another_format_is_not_guessed_at(first_byte: int) -> None:
    sealed = SEALS.seal(SECRET, PURPOSE)
    with pytest.raises(SealBroken):
        SEALS.open(bytes([first_byte]) + sealed[1:], PURPOSE)


def test_a_sealed_answer_and_any_other_are_told_apart() -> None:
    sealed, plain = SEALS.pack(ANSWER), snapshots.pack(ANSWER)
    assert (is_sealed(sealed), is_sealed(plain)) == (True, False)
    assert SEALS.unpack(sealed) == SEALS.unpack(plain) == ANSWER
    with pytest.raises(SealBroken):
        Seals("another").unpack(sealed)
    # What was sealed as one thing is not read as another.
    with pytest.raises(SealBroken):
        SEALS.open(sealed[1:], PURPOSE)
    with pytest.raises(SealBroken):
        SEALS.unpack(b"\xff" + SEALS.seal(snapshots.pack(ANSWER), PURPOSE))
