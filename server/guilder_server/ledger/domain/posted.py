"""Transactions as they stand in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guilder_server.kernel.exchange import Exchange
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.ledger.domain.holds import Status

Pair = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Shown:
    """A posting as it is shown: who is debited and credited, and in which currency. One of the
    two is None where a movement of payments has more than two sides."""

    debit: str | None
    credit: str | None
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Posted:
    """`pairs` are the postings as their caller said them, None for the movements of payments."""

    id: str
    created: datetime
    kind: str
    source: str | None
    description: str | None
    reference: str | None
    reverses: str | None
    effective_at: datetime
    metadata: dict[str, str]
    shown: tuple[Shown, ...]
    pairs: tuple[Pair, ...] | None
    exchange: Exchange | None = None
    reversed: bool = False
    version: int = 1
    status: Status = "posted"
    expires_at: datetime | None = None

    @classmethod
    def of(
        cls,
        transaction: LedgerTransaction,
        *,
        status: Status = "posted",
        expires_at: datetime | None = None,
        version: int = 1,
    ) -> Posted:
        """One that a caller is posting, or that holds money for it."""
        assert transaction.pairs is not None
        currencies = [leg.account.currency for leg in transaction.legs[::2]]
        together = zip(transaction.pairs, currencies, strict=True)
        return cls(
            transaction.id,
            transaction.created,
            transaction.kind,
            None,
            transaction.description,
            transaction.reference,
            transaction.reverses,
            transaction.effective_at or transaction.created,
            transaction.metadata or {},
            tuple(Shown(*pair, currency) for pair, currency in together),
            transaction.pairs,
            transaction.exchange,
            version=version,
            status=status,
            expires_at=expires_at,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one of many: the transaction's id, or why there is none."""

    transaction: str | None
    code: str = ""
    message: str = ""
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Bulk:
    results: tuple[Result, ...]
