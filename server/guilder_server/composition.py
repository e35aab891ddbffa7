"""The parts of the application and what connects them: the only place that knows them all.

From the bottom up: what every capability stands on (`Ground`), the capabilities (`House`), and
how requests and jobs reach them. `main.py` puts an HTTP server in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Any

from starlette.routing import Route

from guilder_server.audit.api import AuditEntriesApi
from guilder_server.audit.domain.entry import Entry as AuditEntry
from guilder_server.audit.domain.touching import touched
from guilder_server.audit.flows import Trail
from guilder_server.audit.infra.log import audit_log
from guilder_server.audit.infra.store import PostgresTrail
from guilder_server.audit.views import view_entry as view_audit_entry
from guilder_server.capabilities import MAPPINGS, PORTRAITS
from guilder_server.customers import Customer, Customers, view_customer
from guilder_server.customers.api import CustomersApi
from guilder_server.customers.flows import CustomerFlows
from guilder_server.customers.infra.store import PostgresCustomers
from guilder_server.entrance import Entrance
from guilder_server.events import API_VERSION, Told
from guilder_server.events.api import EventsApi
from guilder_server.events.flows import Events, News
from guilder_server.events.infra.log import EventLog
from guilder_server.events.infra.store import PostgresEvents
from guilder_server.events.views import EventView
from guilder_server.gateways import Attempt, Gateway
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.gateways.infra.store import PostgresAttempts
from guilder_server.http.app import App
from guilder_server.http.contract import Contract, declared_permissions
from guilder_server.http.execute import Executor
from guilder_server.http.expand import Expander
from guilder_server.http.origin import Origins, networks
from guilder_server.http.present import Views
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger import Balance, BalanceTransaction
from guilder_server.ledger.api import (
    BalanceApi,
    LedgerAccountsApi,
    LedgerCheckpointsApi,
    LedgerTransactionsApi,
)
from guilder_server.ledger.domain.account import AsOf, Entry, Standing
from guilder_server.ledger.domain.checkpoint import Checkpoint
from guilder_server.ledger.domain.posted import Bulk, Posted
from guilder_server.ledger.domain.sums import Sums
from guilder_server.ledger.flows.accounts import Accounts as LedgerAccounts
from guilder_server.ledger.flows.balance import LedgerFlows
from guilder_server.ledger.flows.checkpoints import Checkpoints
from guilder_server.ledger.flows.holds import Holds
from guilder_server.ledger.flows.statements import Statements
from guilder_server.ledger.flows.sums import TrialBalance
from guilder_server.ledger.flows.transactions import Transactions
from guilder_server.ledger.infra.books import PostgresBooks
from guilder_server.ledger.infra.checkpoints import PostgresCheckpoints
from guilder_server.ledger.infra.poster import poster
from guilder_server.ledger.infra.statements import PostgresStatements
from guilder_server.ledger.infra.store import PostgresLedger
from guilder_server.ledger.infra.sums import PostgresSums
from guilder_server.ledger.jobs import LedgerJobs
from guilder_server.ledger.views import (
    LedgerViews,
    view_as_of,
    view_balance,
    view_bulk,
    view_checkpoint,
    view_entry,
    view_standing,
    view_sums,
    view_transaction,
)
from guilder_server.oauth.api import KeysAndTokens, OauthClientsApi
from guilder_server.oauth.assembly import Oauth
from guilder_server.oauth.domain.client import ShownClient
from guilder_server.oauth.views import view_client
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
from guilder_server.payouts.api import PayoutsApi
from guilder_server.payouts.domain.payout import Payout
from guilder_server.payouts.infra.store import PostgresPayouts
from guilder_server.payouts.jobs import PayoutJobs
from guilder_server.payouts.ports import Tools as PayoutTools
from guilder_server.payouts.views import view_payout
from guilder_server.people.api import (
    InvitationsApi,
    PersonCredentials,
    RolesOf,
    SessionsApi,
    UsersApi,
)
from guilder_server.people.assembly import Populace, make_tools
from guilder_server.people.domain.invitation import Seen as SeenInvitation
from guilder_server.people.domain.person import Member
from guilder_server.people.domain.session import SeenSession
from guilder_server.people.infra.store import PostgresPeople
from guilder_server.people.jobs import PeopleJobs
from guilder_server.people.pages import Browser, Pages
from guilder_server.people.views import view_invitation, view_member, view_session
from guilder_server.postgres import snapshots
from guilder_server.postgres.committer import Committer
from guilder_server.postgres.keys import KEY_LOOKUP, KeyRecord, Keys, prune_keys
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.postgres.seals import Seals
from guilder_server.queue.sweeps import Sweep, Sweeper
from guilder_server.queue.wakeups import Bell
from guilder_server.request_logs.api import RequestLogsApi
from guilder_server.request_logs.domain.entry import RequestLog
from guilder_server.request_logs.flows import RequestLogs
from guilder_server.request_logs.infra.store import PostgresRequestLogs
from guilder_server.request_logs.views import RequestLogView
from guilder_server.settings import Settings
from guilder_server.tenancy import Account, Accounts, Keyring, Organization
from guilder_server.tenancy.api import AccountApi, ApiKeysApi, Credentials, noting
from guilder_server.tenancy.domain.keys import ShownKey
from guilder_server.tenancy.flows.accounts import Openings
from guilder_server.tenancy.flows.api_keys import ApiKeys
from guilder_server.tenancy.flows.operating import Operating
from guilder_server.tenancy.flows.uses import Uses
from guilder_server.tenancy.infra.api_keys import PostgresApiKeys
from guilder_server.tenancy.infra.openings import sides
from guilder_server.tenancy.infra.organizations import PostgresOrganizations
from guilder_server.tenancy.infra.store import PostgresAccounts, PostgresKeys
from guilder_server.tenancy.infra.uses import PostgresUses
from guilder_server.tenancy.operator_api import OperatorApi, WithOperator
from guilder_server.tenancy.operator_keys import HandedOut, OperatorKeys
from guilder_server.tenancy.operator_views import view_any_account, view_key, view_organization
from guilder_server.tenancy.views import KeyView
from guilder_server.usage import plans_in
from guilder_server.usage.api import UsageApi
from guilder_server.usage.calls import Calls
from guilder_server.usage.domain.metering import Metered, Metering
from guilder_server.usage.domain.notice import Notice
from guilder_server.usage.domain.used import AccountUsage, Usage
from guilder_server.usage.flows.reading import UsageFlows
from guilder_server.usage.flows.telling import Telling
from guilder_server.usage.infra.counting import Spent, counting
from guilder_server.usage.infra.store import PostgresUsage
from guilder_server.usage.jobs import UsageJobs
from guilder_server.usage.views import view_account_usage, view_notice, view_usage
from guilder_server.wallets import Purse, Wallet, Wallets
from guilder_server.wallets.api import WalletsApi
from guilder_server.wallets.domain.hold import Hold as WalletHold
from guilder_server.wallets.domain.movement import Movement
from guilder_server.wallets.domain.top_up import TopUp
from guilder_server.wallets.domain.transfer import Transfer
from guilder_server.wallets.flows.holds import Holds as WalletHolds
from guilder_server.wallets.flows.top_ups import TopUps
from guilder_server.wallets.flows.transfers import Transfers
from guilder_server.wallets.flows.wallets import WalletFlows
from guilder_server.wallets.infra.store import PostgresWallets
from guilder_server.wallets.jobs import WalletJobs
from guilder_server.wallets.views import (
    view_hold,
    view_movement,
    view_top_up,
    view_transfer,
    view_wallet,
)
from guilder_server.webhooks.api import WebhookDeliveriesApi, WebhookEndpointsApi
from guilder_server.webhooks.domain.delivery import Delivery
from guilder_server.webhooks.domain.endpoint import Endpoint
from guilder_server.webhooks.domain.replay import Replay
from guilder_server.webhooks.domain.revealed import Revealed
from guilder_server.webhooks.flows.deliveries import Deliveries
from guilder_server.webhooks.flows.endpoints import Endpoints
from guilder_server.webhooks.infra.fanout import FanOut
from guilder_server.webhooks.infra.sender import Sender
from guilder_server.webhooks.infra.store import PostgresWebhooks, undelivered
from guilder_server.webhooks.views import (
    view_delivery,
    view_endpoint,
    view_replay,
    view_revealed,
)

# What usage counts.
_METERED = Metered(attempt=Attempt, charge=Charge, wallet=Wallet, endpoint=Endpoint)

MakeGateways = Callable[[Settings, Clock], Sequence[Gateway]]


def sandbox_only(settings: Settings, clock: Clock) -> Sequence[Gateway]:
    """The gateways of this version: the first one takes new payments."""
    return [Sandbox(clock, settings.fingerprint_key.encode())]


class Ground:
    """What every capability stands on."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings, self.clock = settings, clock
        self.ids = Ids(clock)
        self.pool = Pool(settings.required_database_url)
        self.reads = MergedReads(self.pool)
        self.bell = Bell(settings.redis_url)
        self.plans, self.spent = plans_in(settings.plans), Spent()
        counted = counting(self.plans, Metering(_METERED), clock, self.spent)
        both_sides = sides(partial(touched, PORTRAITS), self.ids)
        parts = [Keys, MAPPINGS.part(), both_sides, poster(clock), counted, EventLog, FanOut]
        parts.append(audit_log(PORTRAITS, self.ids))
        self.committer = Committer(self.pool, parts, self._wake_the_worker)
        self.calls = Calls(self.spent, self.committer)
        self.seals = Seals(settings.sealing_key)
        # Secrets stand for one purpose each; this one also seals idempotency fingerprints.
        self.secret = settings.fingerprint_key.encode()

    def _wake_the_worker(self, sets: Sequence[Changes]) -> None:
        if any(changes.events or changes.concerns(Delivery, Replay) for changes in sets):
            self.bell.ring()

    async def key(self, tenant: Tenant, key: str) -> KeyRecord | None:
        return await self.reads.one(KEY_LOOKUP, tenant.id, key)


class House:
    """The capabilities, each given what it needs of those before it."""

    def __init__(self, ground: Ground, make_gateways: MakeGateways) -> None:
        settings, clock, ids = ground.settings, ground.clock, ground.ids
        pool, reads = ground.pool, ground.reads
        self.request_logs = PostgresRequestLogs(pool, reads)
        self.pool = pool
        self.accounts = Accounts(PostgresAccounts(reads))
        self.keyring = Keyring(
            PostgresKeys(reads), settings.key_pepper.encode(), clock, settings.livemode_allowed
        )
        self.people = Populace(
            make_tools(settings, PostgresPeople(pool), ground.seals, _public_url(settings), clock)
        )
        self.operating = Operating(
            PostgresOrganizations(pool), Openings(ids, clock), ground.plans.by_name
        )
        self.operator_keys = OperatorKeys(
            settings.required_database_url,
            settings.key_pepper.encode(),
            declared_permissions(),
            ground.key,
        )
        self.usage_store = PostgresUsage(pool)
        self.usage = UsageFlows(self.usage_store, ground.plans, clock)
        self._hand_out_keys(ground)
        self._tell(ground)
        self._keep_books(ground)
        gateways = {gateway.name: gateway for gateway in make_gateways(settings, clock)}
        self.default_gateway = next(iter(gateways))
        customer_store = PostgresCustomers(pool, reads)
        self.customers = Customers(customer_store)
        self.purses = PostgresWallets(pool, reads)
        self.wallets = WalletFlows(self.purses, self.customers, ids, clock)
        self.wallet_transfers = Transfers(self.purses, ids, clock)
        self.wallet_holds = WalletHolds(self.purses, ids, clock)
        method_store = PostgresPaymentMethods(pool, reads)
        self.methods = PaymentMethods(method_store, gateways[self.default_gateway], ids, clock)
        self.method_flows = PaymentMethodFlows(self.methods, method_store, self.customers, clock)
        self.customer_flows = CustomerFlows(customer_store, self.method_flows, ids, clock)
        self._move_money(ground, gateways)

    def _hand_out_keys(self, ground: Ground) -> None:
        settings, clock, use_store = ground.settings, ground.clock, PostgresUses(ground.pool)
        pepper, declared = settings.key_pepper.encode(), declared_permissions()
        self.uses = Uses(use_store, clock)
        self.api_keys = ApiKeys(
            PostgresApiKeys(ground.pool, ground.reads),
            use_store,
            pepper,
            declared,
            ground.ids,
            clock,
        )
        self.oauth = Oauth(
            ground.pool,
            ground.reads,
            ground.seals,
            use_store,
            ground.ids,
            clock,
            issuer=_public_url(settings),
            pepper=pepper,
            declared=declared,
            livemode_allowed=settings.livemode_allowed,
            rotation=timedelta(seconds=settings.oauth_key_rotation_s),
        )

    def _tell(self, ground: Ground) -> None:
        settings, clock, ids = ground.settings, ground.clock, ground.ids
        pool, reads = ground.pool, ground.reads
        self.webhooks = PostgresWebhooks(pool, reads)
        self.event_store = PostgresEvents(pool, reads, undelivered)
        self.news = News(self.event_store, EventView(snapshots.unpack).encoded)
        self.network = Sender()
        self.endpoints = Endpoints(
            self.webhooks,
            ground.seals,
            self.network,
            ids,
            clock,
            limit=settings.webhook_endpoints,
            loopback=settings.webhook_loopback,
        )
        self.deliveries = Deliveries(self.webhooks, self.endpoints, self.news, ids, clock)

    def _keep_books(self, ground: Ground) -> None:
        clock, ids, pool, reads = ground.clock, ground.ids, ground.pool, ground.reads
        self.ledger = LedgerFlows(PostgresLedger(pool, reads), clock, "usd")
        books = PostgresBooks(pool, reads)
        self.ledger_accounts = LedgerAccounts(books, ids, clock)
        self.transactions = Transactions(books, ids, clock)
        self.statements = Statements(PostgresStatements(pool))
        self.trial_balance = TrialBalance(PostgresSums(pool))
        self.books, self.holds = books, Holds(books, clock)
        self.checkpoints = Checkpoints(PostgresCheckpoints(pool, reads))

    def _move_money(self, ground: Ground, gateways: Mapping[str, Gateway]) -> None:
        settings, clock, ids = ground.settings, ground.clock, ground.ids
        pool, reads = ground.pool, ground.reads
        self.payments = PostgresPayments(pool, reads)
        attempts, purse_keeper = PostgresAttempts(pool, reads), Wallets(self.purses, ids, clock)
        self.tools = Tools(
            store=self.payments,
            attempts=attempts,
            customers=self.customers,
            methods=self.methods,
            wallets=purse_keeper,
            gateways=gateways,
            default_gateway=self.default_gateway,
            ids=ids,
            clock=clock,
            authentication_page=_public_url(settings) + AUTHENTICATION_PATH,
            timeout_ms=settings.gateway_timeout_ms,
            lease=_lease(settings),
        )
        self.payouts = PostgresPayouts(pool, reads)
        self.payout_tools = PayoutTools(
            store=self.payouts,
            attempts=attempts,
            wallets=purse_keeper,
            gateways=gateways,
            default_gateway=self.default_gateway,
            ids=ids,
            clock=clock,
            timeout_ms=settings.gateway_timeout_ms,
            lease=_lease(settings),
        )

    def apis(self) -> Sequence[object]:
        """The handlers of every operation in the contract."""
        return [
            AccountApi(self.accounts),
            ApiKeysApi(self.api_keys),
            AuditEntriesApi(Trail(PostgresTrail(self.pool))),
            BalanceApi(self.ledger),
            ChargesApi(self.tools),
            CustomersApi(self.customer_flows),
            LedgerAccountsApi(self.ledger_accounts, self.statements, self.trial_balance),
            LedgerCheckpointsApi(self.checkpoints),
            LedgerTransactionsApi(self.transactions, self.holds),
            OauthClientsApi(self.oauth.clients, self.api_keys.holder),
            EventsApi(Events(self.event_store, self.webhooks)),
            InvitationsApi(self.people.inviting, RolesOf(self.people.members)),
            PaymentIntentsApi(self.tools),
            PaymentMethodsApi(self.method_flows),
            PayoutsApi(self.payout_tools),
            RefundsApi(self.tools),
            SessionsApi(self.people.sessions),
            UsersApi(self.people.members, RolesOf(self.people.members)),
            RequestLogsApi(RequestLogs(self.request_logs)),
            WalletsApi(
                self.wallets,
                self.wallet_transfers,
                self.wallet_holds,
                TopUps(self.purses),
                self.statements,
            ),
            WebhookDeliveriesApi(self.deliveries),
            WebhookEndpointsApi(self.endpoints),
            UsageApi(self.usage),
            OperatorApi(self.operating, self.operator_keys),
        ]

    def loaders(self) -> Mapping[str, Any]:
        """Where an id in an answer finds its object, by noun."""
        return {
            "balance_transaction": self.ledger.find,
            "charge": self.payments.charge,
            "customer": self.customers.load,
            "payment_intent": self.payments.intent,
            "payment_method": self.methods.find,
            "payout": self.payouts.payout,
            "refund": self.payments.refund,
        }

    async def refunds_of(self, tenant: Tenant, charge: str) -> Page:
        return await self.payments.list_refunds(tenant, ListQuery(), {"charge_id": charge})


@dataclass(frozen=True, slots=True)
class Server:
    """The application with what must be opened before and closed after it."""

    app: App
    pool: Pool
    committer: Committer
    executor: Executor
    sweeper: Sweeper
    bell: Bell
    network: Sender
    pages: Sequence[Route]
    calls: Calls
    uses: Uses
    entrance: Entrance

    async def open(self) -> None:
        await self.pool.open()
        self.entrance.open()
        await self.network.open()
        self.sweeper.start()

    async def close(self) -> None:
        """First no new work, then what is under way, then the connections under it."""
        await self.sweeper.stop()
        await self.uses.finish()
        await self.executor.drain()
        await self.calls.flush()
        await self.committer.close()
        await self.entrance.close()
        await self.bell.close()
        await self.network.close()
        await self.pool.close()


def compose(settings: Settings, clock: Clock, make_gateways: MakeGateways) -> Server:
    ground = Ground(settings, clock)
    house = House(ground, make_gateways)
    contract = Contract.load()
    executor = make_executor(ground, house, contract)
    origins = Origins(networks(settings.trusted_proxies or ""))
    browser = Browser(_public_url(settings), settings.key_pepper.encode(), origins)
    keyring = KeysAndTokens(Credentials(house.keyring), house.oauth.bearers)
    entrance = Entrance(settings, clock, contract, ground.plans)
    app = App(
        router=contract.bind(house.apis()),
        keyring=WithOperator(keyring, settings.operator_key),
        executor=executor,
        ids=ground.ids,
        api_version=API_VERSION,
        server_version=version("guilder"),
        origins=origins,
        sessions=PersonCredentials(
            house.people.sessions,
            contract.roles,
            cookie=browser.session_cookie,
            origin=browser.origin,
            livemode_allowed=settings.livemode_allowed,
        ),
        used=noting(house.uses),
        admission=entrance.admission,
        strangers=entrance.strangers,
        recorder=entrance.recorder,
    )
    # Whoever has a gateway with real cards has no use for a page that plays their bank.
    sandbox = house.default_gateway == Sandbox.name
    pages = SandboxPage(house.tools, executor).routes() if sandbox else []
    pages += house.oauth.endpoints(origins, settings.client_cert_header).routes()
    pages += Pages(browser, house.people).routes()
    sweeper = _sweeper(ground, house, executor)
    return Server(
        app,
        ground.pool,
        ground.committer,
        executor,
        sweeper,
        ground.bell,
        house.network,
        pages,
        ground.calls,
        house.uses,
        entrance,
    )


def make_executor(ground: Ground, house: House, contract: Contract) -> Executor:
    views = _views(ground.clock)
    includes = {("charge", "refunds"): house.refunds_of}
    return Executor(
        contract=contract,
        committer=ground.committer,
        keys=ground.key,
        views=views,
        expander=Expander(contract, views, house.loaders(), includes),
        ids=ground.ids,
        clock=ground.clock,
        pack=snapshots.pack,
        seal=ground.seals.pack,
        unpack=ground.seals.unpack,
        secret=ground.secret,
        lease=_lease(ground.settings),
        metering=ground.calls,
    )


def _sweeper(ground: Ground, house: House, executor: Executor) -> Sweeper:
    ledger_jobs = LedgerJobs(house.books, house.holds, executor, ground.clock)
    wallet_jobs = WalletJobs(house.purses, house.wallet_holds, executor, ground.clock)
    jobs = PaymentJobs(house.tools, executor, ground.committer.commit)
    payout_jobs = PayoutJobs(house.payout_tools, executor, ground.committer.commit)

    people_jobs = PeopleJobs(house.people.tools.store, ground.clock)
    telling = Telling(ground.plans, ground.ids, ground.clock)
    usage_jobs = UsageJobs(house.usage_store, telling, executor)

    async def forget_keys() -> int:
        return await prune_keys(ground.pool, ground.clock.now())

    return Sweeper(
        [
            Sweep("resolve_attempts", jobs.resolve_attempts, every_s=2),
            Sweep("resolve_payouts", payout_jobs.resolve_attempts, every_s=2),
            Sweep("settle_payouts", payout_jobs.settle, every_s=1),
            Sweep("expire_holds", jobs.expire_holds, every_s=30),
            Sweep("expire_ledger_holds", ledger_jobs.expire_holds, every_s=2),
            Sweep("expire_wallet_holds", wallet_jobs.expire_holds, every_s=2),
            Sweep("note_uses", house.uses.write, every_s=5),
            Sweep("prune_keys", forget_keys, every_s=3600),
            Sweep("forget_people", people_jobs.forget, every_s=3600),
            Sweep("count_calls", ground.calls.flush, every_s=1),
            Sweep("tell_of_quotas", usage_jobs.tell, every_s=1),
        ]
    )


def _views(clock: Clock) -> Views:
    ledger_views = LedgerViews(clock)
    return Views(
        {
            Account: view_any_account,
            AuditEntry: view_audit_entry,
            Organization: view_organization,
            HandedOut: view_key,
            AsOf: view_as_of,
            Bulk: view_bulk,
            Checkpoint: view_checkpoint,
            Entry: view_entry,
            Posted: view_transaction,
            Standing: view_standing,
            Sums: view_sums,
            Balance: view_balance,
            BalanceTransaction: ledger_views.transaction,
            Charge: view_charge,
            Customer: view_customer,
            Delivery: view_delivery,
            Endpoint: view_endpoint,
            Intent: view_intent,
            LedgerTransaction: ledger_views.posted,
            Member: view_member,
            PaymentMethod: view_payment_method,
            Payout: view_payout,
            Refund: view_refund,
            Replay: view_replay,
            RequestLog: RequestLogView(snapshots.unpack),
            Revealed: view_revealed,
            SeenInvitation: view_invitation,
            SeenSession: view_session,
            ShownClient: view_client,
            ShownKey: KeyView(clock),
            Told: EventView(snapshots.unpack),
            Usage: view_usage,
            AccountUsage: view_account_usage,
            Notice: view_notice,
            Purse: view_wallet,
            Movement: view_movement,
            TopUp: view_top_up,
            Transfer: view_transfer,
            WalletHold: view_hold,
        }
    )


def _public_url(settings: Settings) -> str:
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def _lease(settings: Settings) -> timedelta:
    """How long a request to a gateway is nobody else's business: longer than it can take."""
    return timedelta(milliseconds=2 * settings.gateway_timeout_ms) + timedelta(seconds=5)
