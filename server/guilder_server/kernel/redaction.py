"""What must never be told: secrets, by the names that they go by and by their type.

Who tells of a change says what of it is a secret. This is for what was forgotten: it errs on the
side of telling too little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

_NAMES = re.compile(
    r"secret|token|passw|passphrase|pepper|hash|digest|seal|signature|fingerprint|credential"
    r"|private|totp|otp$|recovery|(^|_)cvc$|cvv|(^|_)pan$|(^|_)key$|^number$"
    r"|(card|account|routing)_?number|^iban$",
    re.IGNORECASE,
)
_SCALARS = frozenset({str, int, bool, float, type(None)})
_SEQUENCES = frozenset({list, tuple, set, frozenset})
_BYTES = frozenset({bytes, bytearray, memoryview})


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether what goes by this name is kept to ourselves."""
    return _NAMES.search(name) is not None


def redacted(value: Any) -> Any:
    """`value` in JSON's types, without what is null or a secret inside of it."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is dict:
        return _parts(value.items())
    if kind in _SEQUENCES:
        return [redacted(one) for one in value]
    if kind in _BYTES:
        return REDACTED
    if is_dataclass(kind):
        shown, hidden = _fields_of(kind)
        parts = {
            name: part if type(part) in _SCALARS else redacted(part)
            for name in shown
            if (part := getattr(value, name)) is not None
        }
        parts.update((name, REDACTED) for name in hidden if getattr(value, name) is not None)
        return parts
    if isinstance(value, Mapping):
        return _parts(value.items())
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)


@lru_cache(maxsize=256)
def _fields_of(kind: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields of a dataclass: those that are shown, and those that are secrets."""
    names = [field.name for field in fields(kind)]
    return (
        tuple(name for name in names if not is_secret(name)),
        tuple(name for name in names if is_secret(name)),
    )


def redacted_fields(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The fields of one object, which say what is null as well."""
    if values is None:
        return None
    return {
        name: None if value is None else REDACTED if is_secret(name) else redacted(value)
        for name, value in values.items()
    }


def _parts(parts: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {
        name: REDACTED if is_secret(name) else part if type(part) in _SCALARS else redacted(part)
        for name, part in parts
        if part is not None
    }
