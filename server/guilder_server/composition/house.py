"""The capabilities, each given what it needs of those before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from guilder_server.audit.api import AuditEntriesApi
from guilder_server.audit.flows import Trail
from guilder_server.audit.infra.store import PostgresTrail
from guilder_server.composition.ground import Ground
from guilder_server.customers import Customers
from guilder_server.customers.api import CustomersApi
from guilder_server.customers.flows import CustomerFlows
from guilder_server.customers.infra.store import PostgresCustomers
from guilder_server.events.api import EventsApi
from guilder_server.events.flows import Events, News
from guilder_server.events.infra.store import PostgresEvents
from guilder_server.events.views import EventView
from guilder_server.gateways import Gateway
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.gateways.infra.store import PostgresAttempts
from guilder_server.http.contract import declared_permissions
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.lists import ListQuery
from guilder_server.kernel.steps import Page
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.api import (
    BalanceApi,
    LedgerAccountsApi,
    LedgerCheckpointsApi,
    LedgerTransactionsApi,
)
from guilder_server.ledger.flows.accounts import Accounts as LedgerAccounts
from guilder_server.ledger.flows.balance import LedgerFlows
from guilder_server.ledger.flows.checkpoints import Checkpoints
from guilder_server.ledger.flows.holds import Holds
from guilder_server.ledger.flows.statements import Statements
from guilder_server.ledger.flows.sums import TrialBalance
from guilder_server.ledger.flows.transactions import Transactions
from guilder_server.ledger.infra.books import PostgresBooks
from guilder_server.ledger.infra.checkpoints import PostgresCheckpoints
from guilder_server.ledger.infra.statements import PostgresStatements
from guilder_server.ledger.infra.store import PostgresLedger
from guilder_server.ledger.infra.sums import PostgresSums
from guilder_server.oauth.api import OauthClientsApi
from guilder_server.oauth.assembly import Oauth
from guilder_server.payment_methods import PaymentMethods
from guilder_server.payment_methods.api import PaymentMethodsApi
from guilder_server.payment_methods.flows import PaymentMethodFlows
from guilder_server.payment_methods.infra.store import PostgresPaymentMethods
from guilder_server.payments.api import ChargesApi, PaymentIntentsApi, RefundsApi
from guilder_server.payments.infra.store import PostgresPayments
from guilder_server.payments.ports import Tools
from guilder_server.payments.sandbox_page import PATH as AUTHENTICATION_PATH
from guilder_server.payouts.api import PayoutsApi
from guilder_server.payouts.infra.store import PostgresPayouts
from guilder_server.payouts.ports import Tools as PayoutTools
from guilder_server.people.api import (
    InvitationsApi,
    Once,
    RolesOf,
    SessionsApi,
    UsersApi,
)
from guilder_server.people.assembly import Populace, make_tools
from guilder_server.people.infra.store import PostgresPeople
from guilder_server.postgres import snapshots
from guilder_server.request_logs.api import RequestLogsApi
from guilder_server.request_logs.flows import RequestLogs
from guilder_server.request_logs.infra.store import PostgresRequestLogs
from guilder_server.settings import Settings
from guilder_server.tenancy import Accounts, Keyring
from guilder_server.tenancy.api import AccountApi, ApiKeysApi
from guilder_server.tenancy.flows.accounts import Openings
from guilder_server.tenancy.flows.api_keys import ApiKeys
from guilder_server.tenancy.flows.operating import Operating
from guilder_server.tenancy.flows.uses import Uses
from guilder_server.tenancy.infra.api_keys import PostgresApiKeys
from guilder_server.tenancy.infra.organizations import PostgresOrganizations
from guilder_server.tenancy.infra.store import PostgresAccounts, PostgresKeys
from guilder_server.tenancy.infra.uses import PostgresUses
from guilder_server.tenancy.operator_api import OperatorApi
from guilder_server.tenancy.operator_keys import OperatorKeys
from guilder_server.usage.api import UsageApi
from guilder_server.usage.flows.reading import UsageFlows
from guilder_server.usage.infra.store import PostgresUsage
from guilder_server.wallets import Wallets
from guilder_server.wallets.api import WalletsApi
from guilder_server.wallets.flows.holds import Holds as WalletHolds
from guilder_server.wallets.flows.top_ups import TopUps
from guilder_server.wallets.flows.transfers import Transfers
from guilder_server.wallets.flows.wallets import WalletFlows
from guilder_server.wallets.infra.store import PostgresWallets
from guilder_server.webhooks.api import WebhookDeliveriesApi, WebhookEndpointsApi
from guilder_server.webhooks.flows.deliveries import Deliveries
from guilder_server.webhooks.flows.endpoints import Endpoints
from guilder_server.webhooks.infra.sender import Sender
from guilder_server.webhooks.infra.store import PostgresWebhooks, undelivered

MakeGateways = Callable[[Settings, Clock], Sequence[Gateway]]


def sandbox_only(settings: Settings, clock: Clock) -> Sequence[Gateway]:
    """The gateways of this version: the first one takes new payments."""
    return [Sandbox(clock, settings.fingerprint_key.encode())]


class House:
    """The capabilities, each given what it needs of those before it."""

    def __init__(self, ground: Ground, make_gateways: MakeGateways) -> None:
        settings, clock, ids = ground.settings, ground.clock, ground.ids
        pool, reads = ground.pool, ground.reads
        self.request_logs = PostgresRequestLogs(pool, reads)
        self.pool, self.settings = pool, settings
        self.accounts = Accounts(PostgresAccounts(reads))
        self.keyring = Keyring(
            PostgresKeys(reads), settings.key_pepper.encode(), clock, settings.livemode_allowed
        )
        self.people = Populace(
            make_tools(settings, PostgresPeople(pool), ground.seals, public_url(settings), clock)
        )
        self.once = Once(ground.key)
        self.operating = Operating(
            PostgresOrganizations(pool), Openings(ids, clock), ground.plans.by_name
        )
        self.operator_keys = OperatorKeys(
            settings.required_database_url,
            settings.key_pepper.encode(),
            declared_permissions(),
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
            issuer=public_url(settings),
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
        self.ledger = LedgerFlows(PostgresLedger(pool, reads), clock, self.accounts.currency_of)
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
            authentication_page=public_url(settings) + AUTHENTICATION_PATH,
            timeout_ms=settings.gateway_timeout_ms,
            lease=lease(settings),
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
            lease=lease(settings),
        )

    def apis(self, roles: Mapping[str, frozenset[str]]) -> Sequence[object]:
        """The handlers of every operation in the contract, whose `roles` these are."""
        roles_of = RolesOf(
            self.people.members, roles, livemode_allowed=self.settings.livemode_allowed
        )
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
            InvitationsApi(self.people.inviting, roles_of),
            PaymentIntentsApi(self.tools),
            PaymentMethodsApi(self.method_flows),
            PayoutsApi(self.payout_tools),
            RefundsApi(self.tools),
            SessionsApi(self.people.sessions, self.people.renewing, self.once),
            UsersApi(self.people.members, roles_of),
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


def public_url(settings: Settings) -> str:
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def lease(settings: Settings) -> timedelta:
    """How long a request to a gateway is nobody else's business: longer than it can take."""
    return timedelta(milliseconds=2 * settings.gateway_timeout_ms) + timedelta(seconds=5)
