"""Whoever runs a server, at the command line, and what callers of the server meet afterwards."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from guilder_server.cli import main
from tests.support.api import PEPPER
from tests.support.overhearing import own_words
from tests.support.served import Served

# A server may go on with what it has read for this long.
KNOWN_FOR_S = 5.0
# A request that was let in just before the end may be answered after it.
_SLACK_S = 0.5


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one document on standard output."""
        assert self.status == 0, self.err
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass(frozen=True)
class Operator:
    """Runs `guilder` in this process, with these settings and no others."""

    settings: Mapping[str, str]

    def __call__(self, *arguments: str) -> Said:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.settings.items():
                patch.setenv(name, value)
            with own_words() as (out, err):
                try:
                    status = main(arguments)
                except SystemExit as ended:
                    status = int(ended.code or 0)
        return Said(status, out.getvalue(), err.getvalue())

    def json(self, *arguments: str) -> dict[str, Any]:
        return self(*arguments, "--json").document

    def account(self, *arguments: str) -> str:
        """The id of a new account."""
        return str(self.json("accounts", "create", *arguments)["id"])

    def key(self, account: str, kind: str = "secret", *arguments: str) -> dict[str, Any]:
        """A new test mode key: its document, with the key."""
        given = ("--account", account, "--mode", "test", "--kind", kind)
        return self.json("keys", "create", *given, *arguments)


def operator_of(database_url: str, **settings: str) -> Operator:
    return Operator(
        {"GUILDER_DATABASE_URL": database_url, "GUILDER_KEY_PEPPER": PEPPER, **settings}
    )


@contextlib.contextmanager
def two_workers(database_url: str, log: Path) -> Iterator[Served]:
    """A real server of two processes, each of which remembers keys by itself."""
    with Served(database_url, log, workers=2) as served:
        yield served


def ask(url: str, key: str, method: str = "GET", path: str = "/v1/customers", **form: Any) -> Said:
    """One request on a connection of its own: any of the server's processes may answer it."""
    with httpx.Client(base_url=url, verify=False, timeout=30) as client:
        sent = {"headers": {"Authorization": f"Bearer {key}"}}
        answer = client.request(method, path, data=form or None, **sent)
    return Said(answer.status_code, answer.text, answer.json().get("error", {}).get("code", ""))


def becomes(url: str, key: str, wanted: Callable[[Said], bool]) -> None:
    """Within five seconds every process answers `wanted`, and goes on to."""
    began = time.monotonic()
    last_otherwise = 0.0
    while (elapsed := time.monotonic() - began) < KNOWN_FOR_S + 2 * _SLACK_S:
        if not wanted(ask(url, key)):
            last_otherwise = elapsed
        time.sleep(0.1)
    assert last_otherwise < KNOWN_FOR_S + _SLACK_S


def warm(url: str, *keys: str) -> None:
    """Let every process learn these keys."""
    for key in keys:
        for _ in range(20):
            assert ask(url, key).status == 200
