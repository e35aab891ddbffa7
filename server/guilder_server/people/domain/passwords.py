"""What may be a password, and how often it may be guessed."""

from __future__ import annotations

from datetime import timedelta

from guilder_server.kernel.errors import InvalidRequest

SHORTEST = 12
LONGEST_BYTES = 1000
WINDOW = timedelta(minutes=15)
# Guesses within a window: of one person's password or code, and from one address.
OF_PERSON = 10
FROM_ADDRESS = 100
# Refusals for one reason that the trail of an account is told of, within a window.
TOLD = 100

_COMMON = (
    *("password", "passwort", "qwertyuiop", "qwerty", "letmein", "welcome", "iloveyou"),
    *("administrator", "admin", "123456789", "1234567890", "0123456789", "abcdefgh"),
    *("changeme", "trustno1", "football", "sunshine", "princess", "dragon", "guilder"),
)


def require_good(password: str, email: str, param: str = "password") -> None:
    """Length counts; a word that everybody tries first does not. Raises InvalidRequest."""
    if len(password) < SHORTEST:
        raise _weak(f"A password has {SHORTEST} characters or more.", param)
    if len(password.encode()) > LONGEST_BYTES:
        raise _weak(f"A password has {LONGEST_BYTES} bytes at most.", param)
    plain = password.lower()
    for word in (*_COMMON, email, email.partition("@")[0]):
        # What is left without it must stand on its own.
        if len(plain.replace(word, "")) < SHORTEST // 2 and word in plain:
            raise _weak("This password is among the first that anybody would try.", param)
    if len(set(plain)) < SHORTEST // 2:
        raise _weak("This password repeats too few characters.", param)


def _weak(message: str, param: str) -> InvalidRequest:
    return InvalidRequest("parameter_invalid", message, param)
