"""The operations on the balance and its transactions, and on the ledger itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from guilder_server.http.answer import Streamed
from guilder_server.http.call import Call
from guilder_server.http.lists import filters, list_query
from guilder_server.kernel import metadata
from guilder_server.kernel.clock import at
from guilder_server.kernel.steps import Done, Page
from guilder_server.ledger.domain.account import AsOf, Standing
from guilder_server.ledger.domain.balance import Balance, BalanceTransaction
from guilder_server.ledger.domain.checkpoint import Checkpoint
from guilder_server.ledger.domain.exchanges import Quote
from guilder_server.ledger.domain.posted import Posted
from guilder_server.ledger.domain.statement import Period
from guilder_server.ledger.domain.sums import Selection, Sums
from guilder_server.ledger.domain.transfers import Expectation, Posting, Wish
from guilder_server.ledger.flows.accounts import Accounts
from guilder_server.ledger.flows.balance import LedgerFlows
from guilder_server.ledger.flows.checkpoints import Checkpoints
from guilder_server.ledger.flows.holds import Holds
from guilder_server.ledger.flows.statements import Statements
from guilder_server.ledger.flows.sums import TrialBalance
from guilder_server.ledger.flows.transactions import Transactions
from guilder_server.ledger.views.statements import as_csv, as_json


class BalanceApi:
    def __init__(self, flows: LedgerFlows) -> None:
        self._flows = flows

    async def retrieve_balance(self, call: Call) -> Balance:
        return await self._flows.balance(call.tenant)

    async def retrieve_balance_transaction(self, call: Call) -> BalanceTransaction:
        return await self._flows.retrieve(call.tenant, call.path["id"])

    async def list_balance_transactions(self, call: Call) -> Page:
        names = {"currency": "currency", "source": "source", "type": "kind"}
        wanted = filters(call, names)
        if "currency" in wanted:
            wanted["currency"] = wanted["currency"].lower()
        return await self._flows.page(call.tenant, list_query(call), wanted)


class LedgerAccountsApi:
    def __init__(
        self, accounts: Accounts, statements: Statements, trial_balance: TrialBalance
    ) -> None:
        self._accounts, self._statements = accounts, statements
        self._trial_balance = trial_balance

    async def create_ledger_account(self, call: Call) -> Done:
        return await self._accounts.open(call.tenant, call.params)

    async def retrieve_ledger_account(self, call: Call) -> Standing:
        return await self._accounts.retrieve(call.tenant, call.path["account"])

    async def list_ledger_accounts(self, call: Call) -> Page:
        return await self._accounts.page(call.tenant, list_query(call), call.params.get("code"))

    async def update_ledger_account(self, call: Call) -> Done:
        return await self._accounts.update(call.tenant, call.path["account"], call.params)

    async def retrieve_ledger_balance(self, call: Call) -> AsOf:
        return await self._accounts.balance(
            call.tenant,
            call.path["account"],
            _instant(call.params.get("known_at")),
            _instant(call.params.get("effective_at")),
        )

    async def retrieve_ledger_balances(self, call: Call) -> Sums:
        asked = call.params
        known, effective = (_instant(asked.get(name)) for name in ("known_at", "effective_at"))
        selection = Selection(asked.get("code"), asked.get("depth"), known, effective)
        return await self._trial_balance.read(call.tenant, selection)

    async def retrieve_ledger_statement(self, call: Call) -> Streamed:
        account, asked = call.path["account"], call.params
        start, end = (at(asked[name]) for name in ("interval_start", "interval_end"))
        period = Period(start, end, asked.get("basis", "known"))
        reader = self._statements.read(call.tenant, account, period)
        if asked.get("format") == "csv":
            name = f"statement_{account}_{start:%Y-%m-%d}_{end:%Y-%m-%d}.csv"
            return Streamed("text/csv; charset=utf-8", as_csv(reader), name)
        return Streamed("application/json", as_json(reader))

    async def list_ledger_entries(self, call: Call) -> Page:
        return await self._accounts.entries(call.tenant, call.path["account"], list_query(call))


class LedgerCheckpointsApi:
    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    async def retrieve_ledger_checkpoint(self, call: Call) -> Checkpoint:
        return await self._checkpoints.retrieve(call.tenant, call.path["checkpoint"])

    async def list_ledger_checkpoints(self, call: Call) -> Page:
        return await self._checkpoints.page(call.tenant, list_query(call))


class LedgerTransactionsApi:
    def __init__(self, transactions: Transactions, holds: Holds) -> None:
        self._transactions, self._holds = transactions, holds

    async def create_ledger_transaction(self, call: Call) -> Done:
        return await self._transactions.post(call.tenant, _wish(call.params))

    async def create_ledger_transactions(self, call: Call) -> Done:
        wishes = [
            _wish(one, f"transactions[{number}]")
            for number, one in enumerate(call.params["transactions"])
        ]
        atomic = call.params.get("atomic", True)
        return await self._transactions.post_all(call.tenant, wishes, atomic=atomic)

    async def reverse_ledger_transaction(self, call: Call) -> Done:
        return await self._transactions.reverse(
            call.tenant,
            call.path["transaction"],
            call.params.get("amount"),
            _wish({**call.params, "postings": []}),
        )

    async def post_ledger_transaction(self, call: Call) -> Done:
        amount = call.params.get("amount")
        return await self._holds.post(call.tenant, call.path["transaction"], amount)

    async def void_ledger_transaction(self, call: Call) -> Done:
        return await self._holds.void(call.tenant, call.path["transaction"])

    async def retrieve_ledger_transaction(self, call: Call) -> Posted:
        return await self._transactions.retrieve(call.tenant, call.path["transaction"])

    async def list_ledger_transactions(self, call: Call) -> Page:
        status, reference = call.params.get("status"), call.params.get("reference")
        return await self._transactions.page(call.tenant, list_query(call), status, reference)


def _wish(params: Mapping[str, Any], place: str = "") -> Wish:
    param = f"{place}[metadata]" if place else "metadata"
    return Wish(
        [Posting(one["debit"], one["credit"], one["amount"]) for one in params["postings"]],
        [
            Expectation(one["account"], one.get("entries"), one.get("min_balance"))
            for one in params.get("conditions", ())
        ],
        params.get("description"),
        params.get("reference"),
        metadata.merge({}, params.get("metadata"), param),
        _instant(params.get("effective_at")),
        place,
        pending=params.get("status") == "pending",
        expires_at=_instant(params.get("expires_at")),
        exchange=_quote(params.get("exchange")),
    )


def _quote(params: Mapping[str, Any] | None) -> Quote | None:
    if params is None:
        return None
    sold, bought = params["sold"].lower(), params["bought"].lower()
    return Quote(params["rate"], sold, bought, params.get("rounding"))


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else at(seconds)
