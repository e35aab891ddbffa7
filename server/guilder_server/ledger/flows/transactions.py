"""Posting transactions: one, many at a time, and the other way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.errors import GuilderError, NoSuchReference, NotFound, Refused
from guilder_server.kernel.exchange import Exchange
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.kernel.steps import Done, Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.domain import holds, reversals, transfers
from guilder_server.ledger.domain.account import NOUN as ACCOUNT
from guilder_server.ledger.domain.account import Standing
from guilder_server.ledger.domain.holds import Status
from guilder_server.ledger.domain.posted import Bulk, Posted, Result
from guilder_server.ledger.domain.transfers import NOUN, PREFIX, Posting, Wish
from guilder_server.ledger.ports import BookStore


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a request has read before it decides."""

    standings: dict[str, Standing]
    references: set[str]


class Transactions:
    def __init__(self, store: BookStore, ids: Ids, clock: Clock) -> None:
        self._store, self._ids, self._clock = store, ids, clock

    async def post(self, tenant: Tenant, wish: Wish) -> Done:
        seen = await self._look(tenant, [wish])
        changes = Changes(tenant)
        transaction = self._built(wish, seen)
        return Done(self._put(changes, transaction, wish, seen), changes)

    async def post_all(self, tenant: Tenant, wishes: Sequence[Wish], *, atomic: bool) -> Done:
        """All or none of them, or each by itself. What is refused by itself was refused on what
        was read; what is posted is judged again under lock, and everything anew if that differs."""
        seen = await self._look(tenant, wishes, lenient=not atomic)
        accounts = {id: standing.holdings for id, standing in seen.standings.items()}
        changes = Changes(tenant, decides_again=not atomic)
        results: list[Result] = []
        for wish in wishes:
            try:
                transaction = self._built(wish, seen)
                if not atomic:
                    transfers.judge(transaction, accounts, pending=wish.pending)
            except GuilderError as error:
                if atomic:
                    raise
                results.append(Result(None, error.code, error.message, error.param))
                continue
            if transaction.reference is not None:
                seen.references.add(transaction.reference)
            self._put(changes, transaction, wish, seen)
            results.append(Result(transaction.id))
        return Done(Bulk(tuple(results)), changes)

    async def reverse(self, tenant: Tenant, id: str, amount: int | None, wish: Wish) -> Done:
        """Post what is left of a transaction the other way, or `amount` of it."""
        original = await self.retrieve(tenant, id)
        if original.status != "posted":
            raise Refused(
                "ledger_transaction_unexpected_state",
                f"The ledger transaction {id} is {original.status}; only one that is posted can "
                "be reversed.",
                "transaction",
            )
        if original.pairs is None:
            raise Refused(
                "ledger_account_system",
                f"{id} is a movement of payments. Refund the payment instead.",
                "transaction",
            )
        pairs = list(original.pairs)
        before = await self._store.reversal(tenant, id)
        left = reversals.remaining(pairs, before)
        amounts = _amounts(left, amount)
        # Debited becomes credited.
        postings = [
            Posting(credit, debit, some)
            for (debit, credit, _), some in zip(pairs, amounts, strict=True)
            if some
        ]
        wish = Wish(
            postings,
            description=wish.description,
            reference=wish.reference,
            metadata=wish.metadata,
            follows="transaction",
        )
        seen = await self._look(tenant, [wish])
        changes = Changes(tenant)
        # Two currencies make two postings at least, which are reversed as a whole.
        transaction = self._built(
            wish, seen, kind="reversal", reverses=id, exchange=original.exchange
        )
        posted = self._put(changes, transaction, wish, seen)
        now = self._clock.now()
        changes.save(before, reversals.after(id, pairs, before, amounts, now))
        return Done(posted, changes)

    async def retrieve(self, tenant: Tenant, id: str) -> Posted:
        found = await self._store.posted(tenant, id)
        if found is None:
            raise NotFound(NOUN, id, "transaction")
        return found

    async def page(
        self, tenant: Tenant, query: ListQuery, status: Status | None, reference: str | None
    ) -> Page:
        return await self._store.transactions(tenant, query, status, reference)

    async def _look(
        self, tenant: Tenant, wishes: Sequence[Wish], *, lenient: bool = False
    ) -> _Seen:
        """Read every account and reference that is named. An account that is not there is the
        end of it, unless each is to be judged by itself."""
        named = {id for wish in wishes for id in wish.ids()}
        standings = await self._store.standings(tenant, sorted(named))
        if not lenient and len(standings) < len(named):
            _refuse_missing((one for wish in wishes for one in wish.accounts()), standings)
        wanted = [wish.reference for wish in wishes if wish.reference is not None]
        return _Seen(standings, await self._store.references(tenant, wanted))

    def _built(
        self,
        wish: Wish,
        seen: _Seen,
        *,
        kind: str = "transfer",
        reverses: str | None = None,
        exchange: Exchange | None = None,
    ) -> LedgerTransaction:
        if not all(id in seen.standings for id in wish.ids()):
            _refuse_missing(wish.accounts(), seen.standings)
        if wish.reference is not None and wish.reference in seen.references:
            raise Refused(
                "ledger_reference_taken",
                f"There is a transaction with the reference '{wish.reference}' already.",
                wish.param("reference"),
            )
        return transfers.transaction(
            self._ids.new(PREFIX),
            wish,
            seen.standings,
            self._clock.now(),
            kind=kind,
            reverses=reverses,
            exchange=exchange,
        )

    @staticmethod
    def _put(changes: Changes, transaction: LedgerTransaction, wish: Wish, seen: _Seen) -> Posted:
        """Into the change set: posted, or held."""
        for leg in transaction.legs:
            assert leg.account.id is not None
            # Frozen or closed meanwhile, it takes no postings.
            changes.rely(seen.standings[leg.account.id].account)
        if transaction.reference is not None:
            changes.add(
                holds.Reference(transaction.reference, 1, transaction.created, transaction.id)
            )
        if wish.pending:
            posted = Posted.of(transaction, status="pending", expires_at=wish.expires_at)
            changes.add(holds.held(transaction, wish.expires_at))
            changes.hold(holds.holding(transaction))
            changes.record("ledger.transaction.pending", posted)
        else:
            posted = Posted.of(transaction)
            changes.post(transaction)
            changes.record("ledger.transaction.posted", posted)
        return posted


def _refuse_missing(
    named: Iterable[tuple[str, str]], standings: Mapping[str, Standing]
) -> NoReturn:
    """Raise for the first account that is not there."""
    for id, param in named:
        if id not in standings:
            raise NoSuchReference(ACCOUNT, id, param)
    raise AssertionError("all accounts are there")


def _amounts(left: list[int], amount: int | None) -> list[int]:
    if not any(left):
        raise Refused(
            "ledger_transaction_reversed",
            "All of this transaction has been reversed.",
            "transaction" if amount is None else "amount",
        )
    if amount is None:
        return left
    if len(left) > 1:
        raise Refused(
            "parameter_invalid",
            "A transaction with several postings is reversed as a whole. Leave amount out.",
            "amount",
        )
    if amount > left[0]:
        raise Refused(
            "ledger_reversal_too_large",
            f"Only {left[0]} of this transaction is left to be reversed.",
            "amount",
        )
    return [amount]
