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
            f"You can attach at most {MAX_KEYS} metadata keys to an object; "
            f"this one would have {len(merged)}.",
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
            f"Metadata keys can have up to {MAX_KEY_LENGTH} characters, but you passed in a key "
            f"that is {len(key)} characters. Invalid key: {key}",
            param,
        )
    if "[" in key or "]" in key:
        raise InvalidRequest(
            "invalid_characters",
            f"Metadata keys cannot contain square brackets. Invalid key: {key}",
            param,
        )
    if len(value) > MAX_VALUE_LENGTH:
        raise InvalidRequest(
            "parameter_invalid",
            f"Metadata values can have up to {MAX_VALUE_LENGTH} characters, but you passed in a "
            f"value that is {len(value)} characters.",
            f"{param}[{key}]",
        )
