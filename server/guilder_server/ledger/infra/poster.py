"""The poster: the only code that writes a balance, and always with the entry that explains it.

It is a part of a commit. The accounts that a batch touches are locked once, in id order; the
running balances are then counted here, in order of arrival, so that a hundred payments on one
account cost that account one update.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.errors import Refused
from guilder_server.kernel.postings import AccountRef, LedgerTransaction
from guilder_server.postgres.columns import BIGINT, INSTANT, TEXT
from guilder_server.postgres.committer import Part, PartMaker
from guilder_server.postgres.statements import Statement

_CREATE = (
    "INSERT INTO ledger_accounts (tenant_id, code, currency, normal_side, floor, balance, version) "
    "SELECT t, c, y, n, f, 0, 0 FROM unnest(%s, %s, %s, %s, %s) AS v(t, c, y, n, f) "
    "ON CONFLICT (tenant_id, code, currency) DO NOTHING RETURNING tenant_id, code, currency"
)
_LOCK = (
    "SELECT a.tenant_id, a.code, a.currency, a.id, a.balance, a.version, a.floor, a.normal_side "
    "FROM unnest(%s, %s, %s) AS k(tenant_id, code, currency) "
    "JOIN ledger_accounts a USING (tenant_id, code, currency) "
    "ORDER BY a.tenant_id, a.id FOR NO KEY UPDATE OF a"
)
_TRANSACTIONS = (
    "INSERT INTO ledger_transactions "
    "(tenant_id, id, kind, source, created, available, currency, description) "
    "SELECT * FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s)"
)
_ENTRIES = (
    "INSERT INTO ledger_entries "
    "(tenant_id, account_id, version, transaction_id, amount, balance) "
    "SELECT * FROM unnest(%s, %s, %s, %s, %s, %s)"
)
_BALANCES = (
    "UPDATE ledger_accounts a SET balance = v.balance, version = v.version "
    "FROM unnest(%s, %s, %s, %s) AS v(tenant_id, id, balance, version) "
    "WHERE a.tenant_id = v.tenant_id AND a.id = v.id"
)

Place = tuple[int, str, str]  # tenant, code, currency

# Some 20 MB. An account that was forgotten is made once more, in vain.
MOST_KNOWN = 100_000


class FloorReached(Refused):
    """The account would fall below the least balance it may have."""

    def __init__(self, account: AccountRef) -> None:
        super().__init__(
            "balance_insufficient",
            f"The balance of {account.code} ({account.currency}) is not enough for this. "
            "Nothing was posted.",
        )


@dataclass(slots=True)
class _Account:
    id: int
    balance: int
    version: int
    floor: int | None
    normal_side: str
    touched: bool = False

    def below_floor(self, balance: int) -> bool:
        normal = balance if self.normal_side == "debit" else -balance
        return self.floor is not None and normal < self.floor


@dataclass(frozen=True, slots=True)
class _Entry:
    tenant: int
    account: int
    version: int
    transaction: str
    amount: int
    balance: int


def poster() -> PartMaker:
    """Makes posters that remember, for the life of the process, which accounts exist."""
    known: set[Place] = set()
    return lambda sets: Poster(sets, known)


class Poster(Part):
    def __init__(self, sets: Sequence[Changes], known: set[Place]) -> None:
        self._known = known
        self._refs: dict[Place, AccountRef] = {}
        for changes in sets:
            for transaction in changes.postings:
                for leg in transaction.legs:
                    # If two differ, the first one makes the account, as it would alone.
                    self._refs.setdefault(_place(changes, leg.account), leg.account)
        self._accounts: dict[Place, _Account] = {}
        self._transactions: list[tuple[int, LedgerTransaction]] = []
        self._entries: list[_Entry] = []

    def first(self) -> list[Statement]:
        if not self._refs:
            return []
        statements: list[Statement] = []
        new = sorted(place for place in self._refs if place not in self._known)
        if new:
            refs = [self._refs[place] for place in new]
            sides = TEXT.array([ref.normal_side for ref in refs])
            floors = BIGINT.array([ref.floor for ref in refs])
            statements.append((_CREATE, [*_arrays(new), sides, floors]))
        statements.append((_LOCK, _arrays(sorted(self._refs))))
        return statements

    def read(self, results: list[list[Any]]) -> None:
        if not results:
            return
        *created, locked = results
        for tenant, code, currency, *rest in locked:
            self._accounts[tenant, code, currency] = _Account(*rest)
        missing = self._refs.keys() - self._accounts.keys()
        if missing:
            self._known -= missing
            raise GuardLost(f"ledger accounts {sorted(missing)} are gone from the database")
        # What this transaction has created is not there yet for good; it is known next time.
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        self._known |= self._accounts.keys() - {tuple(row) for rows in created for row in rows}

    def refusal(self, changes: Changes) -> Exception | None:
        balances: dict[Place, int] = {}
        for transaction in changes.postings:
            for leg in transaction.legs:
                place = _place(changes, leg.account)
                account = self._accounts[place]
                balances[place] = balances.get(place, account.balance) + leg.amount
                if account.below_floor(balances[place]):
                    return FloorReached(leg.account)
        return None

    def grant(self, changes: Changes) -> None:
        tenant = changes.tenant.id
        for transaction in changes.postings:
            self._transactions.append((tenant, transaction))
            for leg in transaction.legs:
                account = self._accounts[_place(changes, leg.account)]
                account.balance += leg.amount
                account.version += 1
                account.touched = True
                self._entries.append(
                    _Entry(
                        tenant,
                        account.id,
                        account.version,
                        transaction.id,
                        leg.amount,
                        account.balance,
                    )
                )

    def second(self) -> list[Statement]:
        if not self._entries:
            return []
        touched = [
            (place[0], account) for place, account in self._accounts.items() if account.touched
        ]
        return [
            (_TRANSACTIONS, self._transaction_arrays()),
            (_ENTRIES, self._entry_arrays()),
            (
                _BALANCES,
                [
                    BIGINT.array([tenant for tenant, _ in touched]),
                    BIGINT.array([account.id for _, account in touched]),
                    BIGINT.array([account.balance for _, account in touched]),
                    BIGINT.array([account.version for _, account in touched]),
                ],
            ),
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
        ]

    def _entry_arrays(self) -> list[bytes]:
        rows = self._entries
        return [
            BIGINT.array([row.tenant for row in rows]),
            BIGINT.array([row.account for row in rows]),
            BIGINT.array([row.version for row in rows]),
            TEXT.array([row.transaction for row in rows]),
            BIGINT.array([row.amount for row in rows]),
            BIGINT.array([row.balance for row in rows]),
        ]


def _place(changes: Changes, ref: AccountRef) -> Place:
    return (changes.tenant.id, ref.code, ref.currency)


def _arrays(places: Iterable[Place]) -> list[bytes]:
    tenants, codes, currencies = zip(*places, strict=True)
    return [BIGINT.array(tenants), TEXT.array(codes), TEXT.array(currencies)]
