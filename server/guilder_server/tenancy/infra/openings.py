"""Both sides of an account, made with it, as a part of a commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guilder_server.kernel.changes import Changes
from guilder_server.postgres.columns import BOOLEAN, TEXT
from guilder_server.postgres.committer import Part
from guilder_server.postgres.statements import Statement
from guilder_server.tenancy.domain.account import Account

_TENANTS = "INSERT INTO tenants (account_id, livemode) SELECT * FROM unnest(%s, %s)"


class Sides(Part):
    def __init__(self, sets: Sequence[Changes]) -> None:
        self._opened: list[str] = []

    def first(self) -> list[Statement]:
        return []

    def read(self, results: list[list[Any]]) -> None: ...

    def refusal(self, changes: Changes) -> Exception | None:
        return None

    def grant(self, changes: Changes) -> None:
        # Merchants open no accounts, and there are many of them.
        if changes.tenant.of_operator:
            self._opened += [one.id for one in changes.added if isinstance(one, Account)]

    def second(self) -> list[Statement]:
        if not self._opened:
            return []
        modes = [False, True] * len(self._opened)
        ids = [id for id in self._opened for _ in range(2)]
        return [(_TENANTS, [TEXT.array(ids), BOOLEAN.array(modes)])]
