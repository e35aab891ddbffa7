"""Transactions that callers post: what they are made of, and what makes one unfit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from guilder_server.kernel.errors import InvalidRequest, Refused
from guilder_server.kernel.exchange import Exchange
from guilder_server.kernel.postings import AccountRef, Condition, LedgerTransaction, Leg
from guilder_server.ledger.domain import exchanges
from guilder_server.ledger.domain.account import Holdings, Standing, refuse_unfit
from guilder_server.ledger.domain.exchanges import Quote

NOUN = "ledger transaction"
PREFIX = "lt"
LARGEST = 10**15
# What a balance can be.
MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount` moves from the credited account to the debited one; both are ids."""

    debit: str
    credit: str
    amount: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the caller wants to hold of an account; see `Condition`."""

    account: str
    entries: int | None
    least: int | None


@dataclass(frozen=True, slots=True)
class Wish:
    """A transaction as a caller asks for it. `place` goes before the names of its parameters,
    such as `transactions[3]`; where its postings follow from another transaction, `follows` is the
    parameter that names that."""

    postings: Sequence[Posting]
    conditions: Sequence[Expectation] = ()
    description: str | None = None
    reference: str | None = None
    metadata: dict[str, str] | None = None
    effective_at: datetime | None = None
    place: str = ""
    pending: bool = False
    expires_at: datetime | None = None
    follows: str | None = None
    exchange: Quote | None = None

    def param(self, name: str) -> str:
        head, bracket, rest = name.partition("[")
        if self.follows is not None and head == "postings":
            return self.follows
        return f"{self.place}[{head}]{bracket}{rest}" if self.place else name

    def ids(self) -> Iterator[str]:
        """Of the accounts that it names, as often as it does."""
        for posting in self.postings:
            yield posting.debit
            yield posting.credit
        for condition in self.conditions:
            yield condition.account

    def accounts(self) -> list[tuple[str, str]]:
        """The id of each account that it names, with the parameter that names it."""
        named = []
        for number, posting in enumerate(self.postings):
            named.append((posting.debit, self.param(f"postings[{number}][debit]")))
            named.append((posting.credit, self.param(f"postings[{number}][credit]")))
        for number, condition in enumerate(self.conditions):
            named.append((condition.account, self.param(f"conditions[{number}][account]")))
        return named


def transaction(
    id: str,
    wish: Wish,
    standings: Mapping[str, Standing],
    now: datetime,
    *,
    kind: str = "transfer",
    reverses: str | None = None,
    created: datetime | None = None,
    exchange: Exchange | None = None,
) -> LedgerTransaction:
    """The transaction that `wish` asks for. Raises what is wrong with it, naming where. One that
    was pending was `created` before, and counts from now. One that follows from another has the
    `exchange` of that."""
    if wish.effective_at is not None and wish.effective_at > now:
        raise InvalidRequest(
            "parameter_invalid",
            "effective_at lies in the future; a transaction counts from now at the latest.",
            wish.param("effective_at"),
        )
    if wish.pending and wish.effective_at is not None:
        raise InvalidRequest(
            "parameter_invalid",
            "A pending transaction counts from when it is posted. Leave effective_at out.",
            wish.param("effective_at"),
        )
    if wish.expires_at is not None and (not wish.pending or wish.expires_at <= now):
        raise InvalidRequest(
            "parameter_invalid",
            "Only a pending transaction expires, and in the future: send status=pending and a "
            "later expires_at.",
            wish.param("expires_at"),
        )
    legs: list[Leg] = []
    for number, posting in enumerate(wish.postings):
        legs += _legs(posting, standings, partial(_side, wish, number))
    if wish.exchange is not None:
        exchange = exchanges.exchange(wish.exchange, _moved(legs), wish.param)
    currencies = {leg.account.currency for leg in legs}
    return LedgerTransaction(
        id,
        kind,
        id,
        created or now,
        now,
        currencies.pop() if len(currencies) == 1 else None,
        tuple(legs),
        wish.description,
        effective_at=wish.effective_at if created is None else now,
        reference=wish.reference,
        reverses=reverses,
        metadata=wish.metadata or {},
        pairs=tuple((one.debit, one.credit, one.amount) for one in wish.postings),
        exchange=exchange,
        conditions=tuple(_conditions(wish, standings)),
        param=wish.param("postings"),
    )


def _side(wish: Wish, number: int, side: str) -> str:
    return wish.param(f"postings[{number}][{side}]")


def _moved(legs: Sequence[Leg]) -> dict[str, int]:
    """How much of each currency changes hands."""
    moved: dict[str, int] = {}
    for leg in legs:
        currency = leg.account.currency
        moved[currency] = moved.get(currency, 0) + max(leg.amount, 0)
    return moved


def _legs(
    posting: Posting, standings: Mapping[str, Standing], param: Callable[[str], str]
) -> list[Leg]:
    """`param` names a side of the posting; most need no name."""
    debited, credited = standings[posting.debit], standings[posting.credit]
    for standing, side in ((debited, "debit"), (credited, "credit")):
        if not standing.fit:
            refuse_unfit(standing, param(side))
    debit, credit = debited.account, credited.account
    if debit.id == credit.id:
        raise InvalidRequest(
            "parameter_invalid",
            "A posting debits one account and credits another; these are the same.",
            param("credit"),
        )
    if debit.currency != credit.currency:
        raise Refused(
            "ledger_currency_mismatch",
            f"{debit.code} is in {debit.currency} and {credit.code} in {credit.currency}. A "
            "posting moves one currency; exchange money through an account in each.",
            param("credit"),
        )
    return [Leg(debit.ref, posting.amount), Leg(credit.ref, -posting.amount)]


def _conditions(wish: Wish, standings: Mapping[str, Standing]) -> list[Condition]:
    for number, one in enumerate(wish.conditions):
        if one.entries is None and one.least is None:
            raise InvalidRequest(
                "parameter_missing",
                "A condition says how many entries the account must have, or its least balance: "
                "send entries or min_balance.",
                wish.param(f"conditions[{number}]"),
            )
    return [
        Condition(
            standings[one.account].account.ref,
            one.entries,
            one.least,
            param=wish.param(f"conditions[{number}]"),
        )
        for number, one in enumerate(wish.conditions)
    ]


def judge(transaction: LedgerTransaction, accounts: dict[str, Holdings], *, pending: bool) -> None:
    """Raise unless it would be posted, or held where it is pending, on `accounts` by their ids,
    which then become those after it. The poster judges for good, under lock; this is for telling
    beforehand."""
    named = [leg.account for leg in transaction.legs]
    named += [condition.account for condition in transaction.conditions]
    trial = {id: accounts[id] for id in map(_id, named)}
    for leg in transaction.legs:
        id, ref = _id(leg.account), leg.account
        trial[id] = trial[id].after(leg.amount, pending=pending)
        _refuse_beyond(ref, trial[id], transaction.param)
    for condition in transaction.conditions:
        id = _id(condition.account)
        balance = trial[id].balance
        normal = balance if condition.account.normal_side == "debit" else -balance
        if condition.entries not in (None, accounts[id].entries) or (
            condition.least is not None and normal < condition.least
        ):
            raise Refused(
                "ledger_condition_failed",
                f"A condition on {condition.account.code} does not hold. Nothing was posted.",
                condition.param,
            )
    accounts.update(trial)


def _refuse_beyond(ref: AccountRef, now: Holdings, param: str | None) -> None:
    debits = ref.normal_side == "debit"
    normal = now.balance if debits else -now.balance
    going = now.held_credits if debits else now.held_debits
    coming = now.held_debits if debits else now.held_credits
    if ref.floor is not None and normal - going < ref.floor:
        raise Refused(
            "balance_insufficient",
            f"The balance of {ref.code} is not enough for it. Nothing was posted.",
            param,
        )
    if not within(ref.ceiling, normal, going, coming):
        raise Refused(
            "balance_exceeded",
            f"{ref.code} would hold more than it may. Nothing was posted.",
            param,
        )


def within(ceiling: int | None, normal: int, going: int, coming: int) -> bool:
    """Whether an account may hold this: no more than its ceiling, and what a signed 64-bit
    integer can say, also of what is held."""
    most = MOST if ceiling is None else ceiling
    return normal + coming <= most and normal - going >= -MOST and max(going, coming) <= MOST


def _id(account: AccountRef) -> str:
    assert account.id is not None, "accounts that callers name have ids"
    return account.id
