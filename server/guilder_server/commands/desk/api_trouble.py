"""Why the API did not do what it was asked to. Light to import: cli.py names these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Unreachable(Exception):
    """Nothing that speaks for Guilder answered."""

    def __init__(self, api_base: str, why: str) -> None:
        self.why = why
        super().__init__(
            f"There is no answer from {api_base} ({why}). Is `guilder dev` or `guilder serve` "
            "running there?"
        )


class Refused(Exception):
    """An answer that says no. `error` is the error object of the API, empty if there was none;
    `wait_s` is how long the server asks to be left alone."""

    def __init__(self, status: int, error: Mapping[str, Any], wait_s: float | None = None) -> None:
        self.status, self.error, self.wait_s = status, error, wait_s
        said = error.get("message") or "without saying why"
        super().__init__(f"The server answered {status}: {said}")

    @property
    def passing(self) -> bool:
        """The same question may be answered a little later."""
        return self.status == 429 or self.status >= 500


class Untriggerable(Exception):
    """What `guilder trigger` was asked for did not come about, or must not."""
