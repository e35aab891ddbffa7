"""The poster: the only code that writes a balance, and always with the entry that explains it.

It is a part of a commit. The accounts that a batch touches are locked once, in id order; the
running balances are then counted here, in order of arrival, so that a hundred payments on one
account cost that account one update.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.clock import Clock, SystemClock
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.postings import AccountRef, Holding, LedgerTransaction
from guilder_server.ledger.infra.blocks import blocks
from guilder_server.ledger.infra.judging import Account, LimitReached, Place, Trial, place_of
from guilder_server.postgres.columns import BIGINT, INSTANT, JSONB, TEXT
from guilder_server.postgres.committer import Part, PartMaker
from guilder_server.postgres.statements import Statement

_CREATE = (
    "INSERT INTO ledger_accounts (tenant_id, code, currency, normal_side, floor, ceiling, "
    "public_id, created, posted_at, balance, version, held_debits, held_credits) "
    "SELECT *, 0, 0, 0, 0 FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s) "
    "ON CONFLICT (tenant_id, code, currency) DO NOTHING RETURNING tenant_id, code, currency"
)
# An account that is opened comes with its profile, whose code is given once.
_OPEN = _CREATE.partition(" RETURNING")[0]
_LOCK = (
    "SELECT a.tenant_id, a.code, a.currency, a.held_debits, a.held_credits, a.id, a.balance, "
    "a.version, a.floor, a.ceiling, a.normal_side, a.posted_at "
    "FROM unnest(%s, %s, %s) AS k(tenant_id, code, currency) "
    "JOIN ledger_accounts a USING (tenant_id, code, currency) "
    "ORDER BY a.tenant_id, a.id FOR NO KEY UPDATE OF a"
)
_TRANSACTIONS = (
    "INSERT INTO ledger_transactions "
    "(tenant_id, id, kind, source, created, available, currency, description, effective_at, "
    "reference, reverses, metadata, pairs, exchange) "
    "SELECT * FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_ENTRIES = (
    "INSERT INTO ledger_entries "
    "(tenant_id, account_id, version, transaction_id, amount, balance, posted_at, effective_at) "
    "SELECT * FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s)"
)
_BALANCES = (
    "UPDATE ledger_accounts a "
    "SET balance = v.balance, version = v.version, posted_at = v.posted_at, "
    "held_debits = v.held_debits, held_credits = v.held_credits "
    "FROM unnest(%s, %s, %s, %s, %s, %s, %s) "
    "AS v(tenant_id, id, balance, version, posted_at, held_debits, held_credits) "
    "WHERE a.tenant_id = v.tenant_id AND a.id = v.id"
)

# Some 20 MB. An account that was forgotten is made once more, in vain.
MOST_KNOWN = 100_000


@dataclass(frozen=True, slots=True)
class _Entry:
    tenant: int
    account: int
    ref: AccountRef
    version: int
    transaction: LedgerTransaction
    amount: int
    balance: int
    posted_at: datetime


def poster(clock: Clock | None = None) -> PartMaker:
    """Makes posters that remember, for the life of the process, which accounts exist."""
    clock = clock or SystemClock()
    ids, known = Ids(clock), set[Place]()
    return lambda sets: Poster(sets, known, clock, ids)


class Poster(Part):
    def __init__(self, sets: Sequence[Changes], known: set[Place], clock: Clock, ids: Ids) -> None:
        self._known, self._clock, self._ids = known, clock, ids
        self._refs: dict[Place, AccountRef] = {}
        for changes in sets:
            for account in _accounts_of(changes):
                # If two differ, the first one makes the account, as it would alone.
                self._refs.setdefault(place_of(changes, account), account)
        self._accounts: dict[Place, Account] = {}
        self._opened: list[tuple[Place, AccountRef]] = []
        self._transactions: list[tuple[int, LedgerTransaction]] = []
        self._entries: list[_Entry] = []
        self._now: datetime | None = None

    def first(self) -> list[Statement]:
        if not self._refs:
            return []
        statements: list[Statement] = []
        new = sorted(place for place in self._refs if place not in self._known)
        if new:
            refs = [self._refs[place] for place in new]
            statements.append((_CREATE, self._account_arrays(new, refs)))
        statements.append((_LOCK, _arrays(sorted(self._refs))))
        return statements

    def read(self, results: list[list[Any]]) -> None:
        if not results:
            return
        *created, locked = results
        for tenant, code, currency, *rest in locked:
            self._accounts[tenant, code, currency] = Account(*rest)
        missing = self._refs.keys() - self._accounts.keys()
        if missing:
            self._known -= missing
            raise GuardLost(f"ledger accounts {sorted(missing)} are gone from the database")
        # What this transaction has created is not there yet for good; it is known next time.
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        self._known |= self._accounts.keys() - {tuple(row) for rows in created for row in rows}

    def refusal(self, changes: Changes) -> Exception | None:
        refusal = Trial(self._accounts).refusal(changes)
        # A refusal of its caller's own is definite.
        if isinstance(refusal, LimitReached) and changes.decides_again:
            return GuardLost(f"what the change set relied on has changed: {refusal}")
        return refusal

    def grant(self, changes: Changes) -> None:
        # Not before: of a set that is refused no account stays behind.
        self._opened += [(place_of(changes, account), account) for account in changes.opened]
        for move in changes.postings:
            if isinstance(move, LedgerTransaction):
                self._transactions.append((changes.tenant.id, move))
            accounts = [self._accounts[place_of(changes, leg.account)] for leg in move.legs]
            for account, leg in zip(accounts, move.legs, strict=True):
                account.touched = True
                if isinstance(move, Holding):
                    account.hold(leg.amount, released=move.released)
            if isinstance(move, LedgerTransaction):
                self._enter(changes.tenant.id, accounts, move)

    def _enter(
        self, tenant: int, accounts: Sequence[Account], transaction: LedgerTransaction
    ) -> None:
        posted_at = self._posted_at(accounts)
        for account, leg in zip(accounts, transaction.legs, strict=True):
            account.balance += leg.amount
            account.version += 1
            account.posted_at = posted_at
            self._entries.append(
                _Entry(
                    tenant,
                    account.id,
                    leg.account,
                    account.version,
                    transaction,
                    leg.amount,
                    account.balance,
                    posted_at,
                )
            )

    def _posted_at(self, accounts: Sequence[Account]) -> datetime:
        """Now, under the accounts' locks, and never before the last entry of any of them, whatever
        the clocks of other processes say: what was known at an instant stays what it was, and is
        known on all sides of a transaction at once."""
        if self._now is None:
            self._now = self._clock.now()
        return max(self._now, *(account.posted_at for account in accounts))

    def second(self) -> list[Statement]:
        touched = [
            (place[0], account) for place, account in self._accounts.items() if account.touched
        ]
        opened: list[Statement] = []
        if self._opened:
            places, refs = zip(*self._opened, strict=True)
            opened = [(_OPEN, self._account_arrays(places, refs))]
        if not touched:
            return opened
        posted: list[Statement] = []
        if self._entries:
            posted = [
                (_TRANSACTIONS, self._transaction_arrays()),
                (_ENTRIES, self._entry_arrays()),
                blocks(self._transactions, self._entries),
            ]
        return [
            *opened,
            *posted,
            (
                _BALANCES,
                [
                    BIGINT.array([tenant for tenant, _ in touched]),
                    BIGINT.array([account.id for _, account in touched]),
                    BIGINT.array([account.balance for _, account in touched]),
                    BIGINT.array([account.version for _, account in touched]),
                    INSTANT.array([account.posted_at for _, account in touched]),
                    BIGINT.array([account.held_debits for _, account in touched]),
                    BIGINT.array([account.held_credits for _, account in touched]),
                ],
            ),
        ]

    def _account_arrays(self, places: Iterable[Place], refs: Sequence[AccountRef]) -> list[bytes]:
        now = self._clock.now()
        opened = INSTANT.array([ref.created or now for ref in refs])
        return [
            *_arrays(places),
            TEXT.array([ref.normal_side for ref in refs]),
            BIGINT.array([ref.floor for ref in refs]),
            BIGINT.array([ref.ceiling for ref in refs]),
            TEXT.array([ref.id or self._ids.new("la") for ref in refs]),
            opened,
            opened,
        ]

    def _transaction_arrays(self) -> list[bytes]:
        rows = [transaction for _, transaction in self._transactions]
        return [
            BIGINT.array([tenant for tenant, _ in self._transactions]),
            TEXT.array([row.id for row in rows]),
            TEXT.array([row.kind for row in rows]),
            TEXT.array([row.source for row in rows]),
            INSTANT.array([row.created for row in rows]),
            INSTANT.array([row.available for row in rows]),
            TEXT.array([row.currency for row in rows]),
            TEXT.array([row.description for row in rows]),
            INSTANT.array([row.effective_at for row in rows]),
            TEXT.array([row.reference for row in rows]),
            TEXT.array([row.reverses for row in rows]),
            JSONB.array([row.metadata for row in rows]),
            JSONB.array([row.pairs for row in rows]),
            JSONB.array([row.exchange for row in rows]),
        ]

    def _entry_arrays(self) -> list[bytes]:
        rows = self._entries
        return [
            BIGINT.array([row.tenant for row in rows]),
            BIGINT.array([row.account for row in rows]),
            BIGINT.array([row.version for row in rows]),
            TEXT.array([row.transaction.id for row in rows]),
            BIGINT.array([row.amount for row in rows]),
            BIGINT.array([row.balance for row in rows]),
            INSTANT.array([row.posted_at for row in rows]),
            INSTANT.array([row.transaction.effective_at for row in rows]),
        ]


def _accounts_of(changes: Changes) -> Iterator[AccountRef]:
    for move in changes.postings:
        for leg in move.legs:
            yield leg.account
        for condition in move.conditions:
            yield condition.account
    for condition in changes.conditions:
        yield condition.account


def _arrays(places: Iterable[Place]) -> list[bytes]:
    tenants, codes, currencies = zip(*places, strict=True)
    return [BIGINT.array(tenants), TEXT.array(codes), TEXT.array(currencies)]
