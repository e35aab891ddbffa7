"""Which server a command talks to, and with which key.

The command line counts first, then GUILDER_API_KEY, then what `guilder dev` has written into its
folder. A key on the command line can be read by everybody on the machine in its list of
processes, so it is the last of the ways that the texts recommend.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

KEY_VARIABLE = "GUILDER_API_KEY"


class NoAddress(Exception):
    """There is nothing to talk to, or no key for it; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Address:
    """`api_key` stays out of whatever prints this."""

    api_base: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What was said about the address. It can be asked again: `guilder dev` may come back on
    another port."""

    api_base: str | None
    api_key: str | None = field(repr=False)
    data_dir: Path

    def find(self) -> Address:
        key = self.api_key or os.environ.get(KEY_VARIABLE, "").strip() or None
        if self.api_base is not None and key is not None:
            return _checked(self.api_base, key)
        told = self._told_by_dev()
        if told is None:
            missing = "--api-base" if key is not None else f"--api-key (or {KEY_VARIABLE})"
            if self.api_base is None and key is None:
                missing = f"--api-base and {missing}"
            raise NoAddress(
                f"`guilder dev` is not running in {self.data_dir}; start it or pass {missing}."
            )
        base, dev_key = told
        if self.api_base is not None and self.api_base.rstrip("/") != base:
            # The folder's key is for the folder's server and is sent to no other.
            raise NoAddress(
                f"There is no key for {self.api_base}: set {KEY_VARIABLE} or pass --api-key."
            )
        return _checked(base, key or dev_key)

    def _told_by_dev(self) -> tuple[str, str] | None:
        try:
            told = json.loads((self.data_dir / "dev.json").read_text(encoding="utf-8"))
            return str(told["api_base"]).rstrip("/"), str(told["secret_key"])
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError):
            raise NoAddress(
                f"{self.data_dir / 'dev.json'} cannot be read; start `guilder dev` again."
            ) from None


def _checked(api_base: str, api_key: str) -> Address:
    if not is_web_address(api_base):
        raise NoAddress(f"{api_base} is no address of an API: it begins with http:// or https://.")
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise NoAddress("The API key has characters that no key has: copy it again.")
    return Address(api_base.rstrip("/"), api_key)


def is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
