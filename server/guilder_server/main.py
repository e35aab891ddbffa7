"""Puts the application together: the only place that knows every part."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from guilder_server import logs
from guilder_server.capabilities import MAPPINGS
from guilder_server.customers import Customer, Customers, view_customer
from guilder_server.customers.api import CustomersApi
from guilder_server.customers.flows import CustomerFlows
from guilder_server.customers.infra.store import PostgresCustomers
from guilder_server.events import API_VERSION, Event
from guilder_server.events.api import EventsApi
from guilder_server.events.infra.log import EventLog
from guilder_server.events.infra.store import PostgresEvents
from guilder_server.events.views import EventView
from guilder_server.gateways import Gateway
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.gateways.infra.store import PostgresAttempts
from guilder_server.http.app import App
from guilder_server.http.contract import Contract
from guilder_server.http.execute import Executor
from guilder_server.http.expand import Expander
from guilder_server.http.present import Views
from guilder_server.kernel.clock import Clock, SystemClock
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger import Balance, BalanceTransaction
from guilder_server.ledger.api import BalanceApi
from guilder_server.ledger.flows import LedgerFlows
from guilder_server.ledger.infra.poster import poster
from guilder_server.ledger.infra.store import PostgresLedger
from guilder_server.ledger.views import LedgerViews, view_balance
from guilder_server.payment_methods import PaymentMethod, PaymentMethods, view_payment_method
from guilder_server.payment_methods.api import PaymentMethodsApi
from guilder_server.payment_methods.flows import PaymentMethodFlows
from guilder_server.payment_methods.infra.store import PostgresPaymentMethods
from guilder_server.payments.api import ChargesApi, PaymentIntentsApi, RefundsApi
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund
from guilder_server.payments.infra.store import PostgresPayments
from guilder_server.payments.jobs import PaymentJobs
from guilder_server.payments.ports import Tools
from guilder_server.payments.sandbox_page import PATH as AUTHENTICATION_PATH
from guilder_server.payments.sandbox_page import SandboxPage
from guilder_server.payments.views import view_charge, view_intent, view_refund
from guilder_server.postgres import snapshots
from guilder_server.postgres.committer import Committer
from guilder_server.postgres.keys import KEY_LOOKUP, KeyRecord, Keys, prune_keys
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.queue.sweeps import Sweep, Sweeper
from guilder_server.settings import Settings
from guilder_server.tenancy import Account, Accounts, Keyring, view_account
from guilder_server.tenancy.api import AccountApi, Credentials
from guilder_server.tenancy.infra.store import PostgresAccounts, PostgresKeys

MakeGateways = Callable[[Settings, Clock], Sequence[Gateway]]


def sandbox_only(settings: Settings, clock: Clock) -> Sequence[Gateway]:
    """The gateways of this version: the first one takes new payments."""
    return [Sandbox(clock, settings.fingerprint_key.encode())]


@dataclass(frozen=True, slots=True)
class Server:
    """The application with what must be opened before and closed after it."""

    app: App
    pool: Pool
    committer: Committer
    executor: Executor
    sweeper: Sweeper
    pages: Sequence[Route]

    async def open(self) -> None:
        await self.pool.open()
        self.sweeper.start()
        # The contract and the code stay for good: the collector need not walk them each time.
        # And a request makes thousands of objects that die by themselves, so look less often.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)

    async def close(self) -> None:
        """First no new work, then what is under way, then the connections under it."""
        await self.sweeper.stop()
        await self.executor.drain()
        await self.committer.close()
        await self.pool.close()


def create_app(
    settings: Settings,
    clock: Clock | None = None,
    make_gateways: MakeGateways = sandbox_only,
) -> ASGIApp:
    """The ASGI application of `guilder serve` and `guilder dev`."""
    settings.require("key_pepper", "fingerprint_key")
    logs.configure(settings.log_level)
    server = compose(settings, clock or SystemClock(), make_gateways)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await server.open()
        try:
            yield
        finally:
            await server.close()

    async def health(_: Request) -> Response:
        """Whether this process can reach its database."""
        try:
            async with asyncio.timeout(2), server.pool.query() as connection:
                await connection.execute("SELECT 1")
        except Exception:  # noqa: BLE001 - whatever the reason, the answer is the same
            return JSONResponse({"status": "unavailable"}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok")

    health_routes = [Route("/healthz", health), Route("/livez", alive)]
    routes = [*health_routes, *server.pages, Mount("/", server.app)]
    return _Front(server.app, Starlette(routes=routes, lifespan=lifespan))


class _Front:
    """What the contract defines goes straight to it. Starlette's router and its middleware do
    the rest, and would cost every payment a fifteenth of its time for nothing."""

    def __init__(self, contract: ASGIApp, rest: ASGIApp) -> None:
        self._contract, self._rest = contract, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        straight = scope["type"] == "http" and scope["path"].startswith("/v1/")
        await (self._contract if straight else self._rest)(scope, receive, send)


def compose(settings: Settings, clock: Clock, make_gateways: MakeGateways) -> Server:
    pool = Pool(settings.required_database_url)
    reads = MergedReads(pool)
    ids = Ids(clock)
    contract = Contract.load()
    committer = Committer(pool, [Keys, MAPPINGS.part(), poster(), EventLog])

    accounts = Accounts(PostgresAccounts(reads))
    keyring = Keyring(
        PostgresKeys(reads), settings.key_pepper.encode(), clock, settings.livemode_allowed
    )
    gateways = {gateway.name: gateway for gateway in make_gateways(settings, clock)}
    default_gateway = next(iter(gateways))
    customer_store = PostgresCustomers(pool, reads)
    method_store = PostgresPaymentMethods(pool, reads)
    customers = Customers(customer_store)
    methods = PaymentMethods(method_store, gateways[default_gateway], ids, clock)
    method_flows = PaymentMethodFlows(methods, method_store, customers, clock)
    ledger = LedgerFlows(PostgresLedger(pool, reads), clock, "usd")
    store = PostgresPayments(pool, reads)
    events = PostgresEvents(pool, reads)
    public_url = settings.public_url or f"http://{settings.host}:{settings.port}"
    tools = Tools(
        store=store,
        attempts=PostgresAttempts(pool, reads),
        customers=customers,
        methods=methods,
        gateways=gateways,
        default_gateway=default_gateway,
        ids=ids,
        clock=clock,
        authentication_page=public_url + AUTHENTICATION_PATH,
        timeout_ms=settings.gateway_timeout_ms,
        lease=timedelta(milliseconds=2 * settings.gateway_timeout_ms) + timedelta(seconds=5),
    )

    async def find_key(tenant: Tenant, key: str) -> KeyRecord | None:
        return await reads.one(KEY_LOOKUP, tenant.id, key)

    async def refunds_of(tenant: Tenant, charge: str) -> Page:
        return await store.list_refunds(tenant, ListQuery(), {"charge_id": charge})

    views = _views(clock)
    loaders: Mapping[str, Any] = {
        "balance_transaction": ledger.find,
        "charge": store.charge,
        "customer": customers.load,
        "payment_intent": store.intent,
        "payment_method": methods.find,
        "refund": store.refund,
    }
    executor = Executor(
        contract=contract,
        committer=committer,
        keys=find_key,
        views=views,
        expander=Expander(contract, views, loaders, {("charge", "refunds"): refunds_of}),
        ids=ids,
        clock=clock,
        pack=snapshots.pack,
        unpack=snapshots.unpack,
        secret=settings.fingerprint_key.encode(),
        lease=tools.lease,
    )
    router = contract.bind(
        [
            AccountApi(accounts),
            BalanceApi(ledger),
            ChargesApi(tools),
            CustomersApi(CustomerFlows(customer_store, method_flows, ids, clock)),
            EventsApi(events),
            PaymentIntentsApi(tools),
            PaymentMethodsApi(method_flows),
            RefundsApi(tools),
        ]
    )
    app = App(
        router=router,
        keyring=Credentials(keyring),
        executor=executor,
        ids=ids,
        api_version=API_VERSION,
        server_version=version("guilder"),
    )
    jobs = PaymentJobs(tools, executor, committer.commit)
    sweeper = Sweeper(
        [
            Sweep("resolve_attempts", jobs.resolve_attempts, every_s=2),
            Sweep("expire_holds", jobs.expire_holds, every_s=30),
            Sweep("prune_keys", lambda: prune_keys(pool, clock.now()), every_s=3600),
        ]
    )
    # Whoever has a gateway with real cards has no use for a page that plays their bank.
    pages = SandboxPage(tools, executor).routes() if default_gateway == Sandbox.name else []
    return Server(app, pool, committer, executor, sweeper, pages)


def _views(clock: Clock) -> Views:
    ledger_views = LedgerViews(clock)
    return Views(
        {
            Account: view_account,
            Balance: view_balance,
            BalanceTransaction: ledger_views.transaction,
            Charge: view_charge,
            Customer: view_customer,
            Event: EventView(snapshots.unpack),
            Intent: view_intent,
            LedgerTransaction: ledger_views.posted,
            PaymentMethod: view_payment_method,
            Refund: view_refund,
        }
    )
