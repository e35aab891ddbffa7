"""Metadata: the caller's own words on an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from guilder_server.kernel.errors import InvalidRequest

MAX_KEYS = 50
MAX_KEY_LENGTH = 40
MAX_VALUE_LENGTH = 500


def merge(
    current: Mapping[str, str],
    given: Mapping[str, str] | Literal[""] | None,
    param: str = "metadata",
) -> dict[str, str]:
    """`current` after `given`: a key with an empty value is removed, others are set, and an
    empty string in place of the whole removes everything. None changes nothing."""
    if given == "":
        return {}
    merged = dict(current)
    for key, value in (given or {}).items():
        _refuse_malformed(key, value, param)
        if value == "":
            merged.pop(key, None)
        else:
            merged[key] = value
    if len(merged) > MAX_KEYS:
        raise InvalidRequest(
            "parameter_invalid",
            f"Metadata holds {MAX_KEYS} keys at most; this object would have {len(merged)}.",
            param,
        )
    return merged


def _refuse_malformed(key: str, value: str, param: str) -> None:
    if not key:
        raise InvalidRequest(
            "parameter_invalid_string_empty", "A metadata key cannot be empty.", param
        )
    if len(key) > MAX_KEY_LENGTH:
        raise InvalidRequest(
            "parameter_invalid",
            f"A metadata key has {MAX_KEY_LENGTH} characters at most; this one has {len(key)}: "
            f"{key[:200]}",
            param,
        )
    if "[" in key or "]" in key:
        raise InvalidRequest(
            "invalid_characters",
            f"A metadata key may not contain square brackets: {key}",
            param,
        )
    if len(value) > MAX_VALUE_LENGTH:
        raise InvalidRequest(
            "parameter_invalid",
            f"A metadata value has {MAX_VALUE_LENGTH} characters at most; this one has "
            f"{len(value)}.",
            f"{param}[{key}]",
        )
