"""The operations on wallets."""

from __future__ import annotations

from functools import partial

from guilder_server.http.answer import Streamed
from guilder_server.http.call import Call
from guilder_server.http.lists import list_query
from guilder_server.kernel.clock import at
from guilder_server.kernel.steps import Done, Page
from guilder_server.ledger import Period, Statements, as_csv, as_json
from guilder_server.wallets.domain.hold import Hold
from guilder_server.wallets.domain.movement import type_of
from guilder_server.wallets.domain.top_up import TopUp
from guilder_server.wallets.domain.transfer import Transfer
from guilder_server.wallets.domain.wallet import Purse
from guilder_server.wallets.flows.holds import Holds
from guilder_server.wallets.flows.top_ups import TopUps
from guilder_server.wallets.flows.transfers import Transfers
from guilder_server.wallets.flows.wallets import WalletFlows
from guilder_server.wallets.views import view_line, view_statement


class WalletsApi:
    def __init__(
        self,
        wallets: WalletFlows,
        transfers: Transfers,
        holds: Holds,
        top_ups: TopUps,
        statements: Statements,
    ) -> None:
        self._wallets, self._transfers, self._statements = wallets, transfers, statements
        self._holds, self._top_ups = holds, top_ups

    async def create_wallet(self, call: Call) -> Done:
        return await self._wallets.create(call.tenant, call.params)

    async def retrieve_wallet(self, call: Call) -> Purse:
        return await self._wallets.retrieve(call.tenant, call.path["wallet"])

    async def list_wallets(self, call: Call) -> Page:
        customer, currency = call.params.get("customer"), call.params.get("currency")
        return await self._wallets.page(call.tenant, list_query(call), customer, currency)

    async def update_wallet(self, call: Call) -> Done:
        return await self._wallets.update(call.tenant, call.path["wallet"], call.params)

    async def list_wallet_transactions(self, call: Call) -> Page:
        return await self._wallets.movements(call.tenant, call.path["wallet"], list_query(call))

    async def retrieve_wallet_statement(self, call: Call) -> Streamed:
        asked = call.params
        wallet = (await self._wallets.retrieve(call.tenant, call.path["wallet"])).wallet
        start, end = (at(asked[name]) for name in ("interval_start", "interval_end"))
        reader = self._statements.read(call.tenant, wallet.ledger_account_id, Period(start, end))
        if asked.get("format") == "csv":
            name = f"statement_{wallet.id}_{start:%Y-%m-%d}_{end:%Y-%m-%d}.csv"
            rows = as_csv(reader, lambda line: type_of(line.kind))
            return Streamed("text/csv; charset=utf-8", rows, name)
        head, line = partial(view_statement, wallet), partial(view_line, wallet)
        return Streamed("application/json", as_json(reader, head, line))

    async def create_wallet_transfer(self, call: Call) -> Done:
        return await self._transfers.create(call.tenant, call.path["wallet"], call.params)

    async def retrieve_wallet_transfer(self, call: Call) -> Transfer:
        path = call.path
        return await self._transfers.retrieve(call.tenant, path["wallet"], path["transfer"])

    async def list_wallet_transfers(self, call: Call) -> Page:
        return await self._transfers.page(call.tenant, call.path["wallet"], list_query(call))

    async def create_wallet_hold(self, call: Call) -> Done:
        return await self._holds.create(call.tenant, call.path["wallet"], call.params)

    async def retrieve_wallet_hold(self, call: Call) -> Hold:
        return await self._holds.retrieve(call.tenant, call.path["wallet"], call.path["hold"])

    async def list_wallet_holds(self, call: Call) -> Page:
        status = call.params.get("status")
        return await self._holds.page(call.tenant, call.path["wallet"], list_query(call), status)

    async def capture_wallet_hold(self, call: Call) -> Done:
        path = call.path
        return await self._holds.capture(call.tenant, path["wallet"], path["hold"], call.params)

    async def release_wallet_hold(self, call: Call) -> Done:
        return await self._holds.release(call.tenant, call.path["wallet"], call.path["hold"])

    async def retrieve_wallet_top_up(self, call: Call) -> TopUp:
        path = call.path
        return await self._top_ups.retrieve(call.tenant, path["wallet"], path["top_up"])

    async def list_wallet_top_ups(self, call: Call) -> Page:
        return await self._top_ups.page(call.tenant, call.path["wallet"], list_query(call))
