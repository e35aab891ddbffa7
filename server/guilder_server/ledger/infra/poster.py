"""The poster: the only code that writes a balance, and always with the entry that explains it.

It is a part of a commit. The accounts that a batch touches are locked once, in id order; the
running balances are then counted here, in order of arrival, so that a hundred payments on one
account cost that account one update.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from guilder_server.kernel.changes import Changes, GuardLost
from guilder_server.kernel.clock import Clock, SystemClock
from guilder_server.kernel.errors import Refused
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.postings import AccountRef, Condition, Holding, LedgerTransaction
from guilder_server.ledger.domain.transfers import within
from guilder_server.ledger.infra.blocks import blocks
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

Place = tuple[int, str, str]  # tenant, code, currency
Move = LedgerTransaction | Holding

# Some 20 MB. An account that was forgotten is made once more, in vain.
MOST_KNOWN = 100_000


class LimitReached(Refused):
    """A posting would leave an account with a balance that it may not have."""


class FloorReached(LimitReached):
    """The account would fall below the least balance it may have."""

    def __init__(self, account: AccountRef, param: str | None = None) -> None:
        super().__init__(
            "balance_insufficient",
            f"The balance of {account.code} ({account.currency}) is not enough for this. "
            "Nothing was posted.",
            param,
        )


class CeilingReached(LimitReached):
    """The account would rise above the most that it may hold."""

    def __init__(self, account: AccountRef, param: str | None = None) -> None:
        super().__init__(
            "balance_exceeded",
            f"{account.code} ({account.currency}) would hold more than it may. Nothing was posted.",
            param,
        )


class ConditionFailed(LimitReached):
    def __init__(self, condition: Condition, what: str) -> None:
        super().__init__(
            "ledger_condition_failed",
            f"{condition.account.code} ({condition.account.currency}) {what}. Nothing was posted.",
            condition.param,
        )


@dataclass(slots=True)
class _Held:
    """What pending transactions hold of an account."""

    held_debits: int
    held_credits: int

    def hold(self, amount: int, *, released: bool) -> None:
        sign = -1 if released else 1
        if amount > 0:
            self.held_debits += sign * amount
        else:
            self.held_credits -= sign * amount


@dataclass(slots=True)
class _Account(_Held):
    id: int
    balance: int
    version: int
    floor: int | None
    ceiling: int | None
    normal_side: str
    posted_at: datetime
    touched: bool = False

    def normal(self, balance: int) -> int:
        return balance if self.normal_side == "debit" else -balance


@dataclass(slots=True)
class _Trial(_Held):
    """An account as it would be after what has been judged so far."""

    balance: int
    version: int


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
                self._refs.setdefault(_place(changes, account), account)
        self._accounts: dict[Place, _Account] = {}
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
        refusal = self._first_refusal(changes)
        # A refusal of its caller's own is definite.
        if isinstance(refusal, LimitReached) and changes.decides_again:
            return GuardLost(f"what the change set relied on has changed: {refusal}")
        return refusal

    def _first_refusal(self, changes: Changes) -> Exception | None:
        trials: dict[Place, _Trial] = {}
        for move in changes.postings:
            refusal = self._refusal_of(changes, move, trials)
            if refusal is not None:
                return refusal
        return self._broken(changes, changes.conditions, trials, trials)

    def _refusal_of(
        self, changes: Changes, move: Move, trials: dict[Place, _Trial]
    ) -> Exception | None:
        before = {
            place: replace(self._trial(place, trials))
            for place in (_place(changes, condition.account) for condition in move.conditions)
        }
        for leg in move.legs:
            place = _place(changes, leg.account)
            trial = self._trial(place, trials)
            if isinstance(move, LedgerTransaction):
                trial.balance += leg.amount
                trial.version += 1
            else:
                trial.hold(leg.amount, released=move.released)
            refusal = self._beyond(leg.account, place, trial, move.param)
            if refusal is not None:
                return refusal
        return self._broken(changes, move.conditions, before, trials)

    def _beyond(
        self, ref: AccountRef, place: Place, trial: _Trial, param: str | None
    ) -> Exception | None:
        """Limits hold with what is pending counted: as if all that is held against the account
        were posted, and nothing of what is held in its favour."""
        account = self._accounts[place]
        normal = account.normal(trial.balance)
        debits = account.normal_side == "debit"
        going = trial.held_credits if debits else trial.held_debits
        coming = trial.held_debits if debits else trial.held_credits
        if account.floor is not None and normal - going < account.floor:
            return FloorReached(ref, param)
        if not within(account.ceiling, normal, going, coming):
            return CeilingReached(ref, param)
        return None

    def _broken(
        self,
        changes: Changes,
        conditions: Sequence[Condition],
        before: dict[Place, _Trial],
        after: dict[Place, _Trial],
    ) -> Exception | None:
        for condition in conditions:
            place = _place(changes, condition.account)
            account = self._accounts[place]
            had, has = self._trial(place, before), self._trial(place, after)
            broken = _what_breaks(condition, account, had, has)
            if broken is not None:
                return condition.refusal or ConditionFailed(condition, broken)
        return None

    def _trial(self, place: Place, trials: dict[Place, _Trial]) -> _Trial:
        trial = trials.get(place)
        if trial is None:
            account = self._accounts[place]
            trial = trials[place] = _Trial(
                account.held_debits, account.held_credits, account.balance, account.version
            )
        return trial

    def grant(self, changes: Changes) -> None:
        # Not before: of a set that is refused no account stays behind.
        self._opened += [(_place(changes, account), account) for account in changes.opened]
        for move in changes.postings:
            if isinstance(move, LedgerTransaction):
                self._transactions.append((changes.tenant.id, move))
            accounts = [self._accounts[_place(changes, leg.account)] for leg in move.legs]
            for account, leg in zip(accounts, move.legs, strict=True):
                account.touched = True
                if isinstance(move, Holding):
                    account.hold(leg.amount, released=move.released)
            if isinstance(move, LedgerTransaction):
                self._enter(changes.tenant.id, accounts, move)

    def _enter(
        self, tenant: int, accounts: Sequence[_Account], transaction: LedgerTransaction
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

    def _posted_at(self, accounts: Sequence[_Account]) -> datetime:
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
        return [
            *_arrays(places),
            TEXT.array([ref.normal_side for ref in refs]),
            BIGINT.array([ref.floor for ref in refs]),
            BIGINT.array([ref.ceiling for ref in refs]),
            TEXT.array([ref.id or self._ids.new("la") for ref in refs]),
            INSTANT.array([now] * len(refs)),
            INSTANT.array([now] * len(refs)),
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


def _what_breaks(condition: Condition, account: _Account, had: _Trial, has: _Trial) -> str | None:
    normal = account.normal(has.balance)
    coming = has.held_debits if account.normal_side == "debit" else has.held_credits
    if condition.entries not in (None, had.version):
        return f"has {had.version} entries by now"
    if condition.least is not None and normal < condition.least:
        return f"would be left with {normal}"
    if condition.most is not None and normal + coming > condition.most:
        return f"would be left with {normal + coming}"
    if condition.free and (has.held_debits or has.held_credits):
        return "has money that is held"
    return None


def _accounts_of(changes: Changes) -> Iterator[AccountRef]:
    for move in changes.postings:
        for leg in move.legs:
            yield leg.account
        for condition in move.conditions:
            yield condition.account
    for condition in changes.conditions:
        yield condition.account


def _place(changes: Changes, ref: AccountRef) -> Place:
    return (changes.tenant.id, ref.code, ref.currency)


def _arrays(places: Iterable[Place]) -> list[bytes]:
    tenants, codes, currencies = zip(*places, strict=True)
    return [BIGINT.array(tenants), TEXT.array(codes), TEXT.array(currencies)]
