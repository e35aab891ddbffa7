"""The blocks of a commit: what the chain covers, written together with it.

A block is one row for a tenant and its commit. Its number is taken while the accounts that it
posts to are locked, so of two blocks on one account the later one has the higher number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from guilder_server.kernel.postings import AccountRef, LedgerTransaction
from guilder_server.ledger.domain import chain
from guilder_server.postgres.columns import BIGINT, BYTEA, TEXT
from guilder_server.postgres.statements import Statement

# The order is said, as numbers are given in it.
INSERT = (
    "INSERT INTO ledger_blocks (tenant_id, transactions, locators, digest) "
    "SELECT tenant_id, transactions, locators, digest FROM unnest(%s, %s, %s, %s) "
    "WITH ORDINALITY AS b(tenant_id, transactions, locators, digest, place) ORDER BY place"
)
# A commit of more rows has several blocks, so that one is read back in little memory.
LARGEST_BLOCK = 5000

_json = msgspec.json.Encoder(order="sorted").encode


class Entered(Protocol):
    """An entry as the poster has it."""

    @property
    def ref(self) -> AccountRef: ...
    @property
    def version(self) -> int: ...
    @property
    def amount(self) -> int: ...
    @property
    def balance(self) -> int: ...
    @property
    def posted_at(self) -> datetime: ...


class _Block:
    def __init__(self, tenant: int) -> None:
        self.tenant = tenant
        self.ids: list[str] = []
        self.lines: list[bytes] = []


def blocks(
    transactions: Sequence[tuple[int, LedgerTransaction]], entries: Sequence[Entered]
) -> Statement:
    """What writes the blocks of `transactions`, whose entries follow one another in `entries`."""
    made = list(_blocks(transactions, entries))
    seals = [chain.seal(block.lines) for block in made]
    return INSERT, [
        BIGINT.array([block.tenant for block in made]),
        TEXT.array([" ".join(block.ids) for block in made]),
        BYTEA.array([seal.locators for seal in seals]),
        BYTEA.array([seal.digest for seal in seals]),
    ]


def canonical(value: object) -> str | None:
    return None if value is None else _json(value).decode()


def _blocks(
    transactions: Sequence[tuple[int, LedgerTransaction]], entries: Sequence[Entered]
) -> Iterator[_Block]:
    growing: dict[int, _Block] = {}
    first = 0
    for tenant, transaction in transactions:
        last = first + len(transaction.legs)
        lines = _lines(transaction, entries[first:last])
        first = last
        block = growing.get(tenant)
        if block is None or len(block.lines) + len(lines) > LARGEST_BLOCK:
            if block is not None:
                yield block
            block = growing[tenant] = _Block(tenant)
        block.ids.append(transaction.id)
        block.lines += lines
    yield from growing.values()


def _lines(transaction: LedgerTransaction, entries: Sequence[Entered]) -> list[bytes]:
    effective_at = transaction.effective_at
    return [
        chain.header(
            transaction.id,
            transaction.kind,
            transaction.source,
            transaction.created,
            transaction.available,
            transaction.currency,
            transaction.description,
            effective_at,
            transaction.reference,
            transaction.reverses,
            canonical(transaction.metadata),
            canonical(transaction.pairs),
            canonical(transaction.exchange),
        ),
        *sorted(
            [
                chain.entry(
                    one.ref.code,
                    one.ref.currency,
                    one.version,
                    one.amount,
                    one.balance,
                    one.posted_at,
                    effective_at,
                )
                for one in entries
            ]
        ),
    ]
