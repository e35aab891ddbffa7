"""The capabilities in the order of their tiers: each may import those before it, none after.

News to the right travels as events. What all of them own in the database is listed here too,
so that the schema and the committer know every table.
"""

from __future__ import annotations

from guilder_server.audit.domain.portraits import Audited, Portraits
from guilder_server.audit.infra import tables as audit
from guilder_server.customers.domain.customer import Customer
from guilder_server.customers.infra.tables import CUSTOMERS
from guilder_server.events.infra import tables as events
from guilder_server.gateways import Attempt
from guilder_server.gateways.infra.store import ATTEMPTS
from guilder_server.ledger.domain.account import LedgerAccount
from guilder_server.ledger.domain.holds import Hold as LedgerHold
from guilder_server.ledger.domain.holds import Reference
from guilder_server.ledger.domain.reversals import Reversal
from guilder_server.ledger.infra.tables import HOLDS, PROFILES, REFERENCES, REVERSALS
from guilder_server.oauth.domain.client import Client
from guilder_server.oauth.infra.tables import CLIENTS
from guilder_server.payment_methods.domain.payment_method import PaymentMethod
from guilder_server.payment_methods.infra.tables import PAYMENT_METHODS
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund
from guilder_server.payments.infra.store import CHARGES, INTENTS, REFUNDS
from guilder_server.payouts.domain.payout import Payout
from guilder_server.payouts.infra.store import PAYOUTS
from guilder_server.people.infra import tables as people
from guilder_server.postgres import keys
from guilder_server.postgres.rows import Mappings
from guilder_server.postgres.schema import metadata
from guilder_server.postgres.trail import tables as trail
from guilder_server.request_logs.infra import tables as request_logs
from guilder_server.tenancy.domain.account import Account
from guilder_server.tenancy.domain.keys import ApiKey
from guilder_server.tenancy.domain.organization import Organization
from guilder_server.tenancy.infra import tables as tenancy
from guilder_server.tenancy.infra.tables import ACCOUNTS, API_KEYS, ORGANIZATIONS
from guilder_server.usage.domain.notice import Notice
from guilder_server.usage.infra.tables import NOTICES
from guilder_server.wallets.domain.hold import Hold as WalletHold
from guilder_server.wallets.domain.top_up import TopUp
from guilder_server.wallets.domain.transfer import Transfer
from guilder_server.wallets.domain.wallet import Wallet
from guilder_server.wallets.infra.tables import HOLDS as WALLET_HOLDS
from guilder_server.wallets.infra.tables import TOP_UPS, TRANSFERS, WALLETS
from guilder_server.webhooks.domain.delivery import Delivery
from guilder_server.webhooks.domain.endpoint import Endpoint
from guilder_server.webhooks.domain.replay import Replay
from guilder_server.webhooks.infra.tables import DELIVERIES, ENDPOINTS, REPLAYS

TIERS = (
    "tenancy",
    "audit",
    "oauth",
    "people",
    "events",
    "ledger",
    "customers",
    "wallets",
    "gateways",
    "payment_methods",
    "payments",
    "payouts",
    "webhooks",
    "usage",
    "request_logs",
)

# Rows are locked and written in this order: what is referred to comes first.
MAPPINGS = Mappings(
    [
        ORGANIZATIONS,
        ACCOUNTS,
        API_KEYS,
        CLIENTS,
        PROFILES,
        REVERSALS,
        HOLDS,
        REFERENCES,
        CUSTOMERS,
        WALLETS,
        TRANSFERS,
        WALLET_HOLDS,
        TOP_UPS,
        PAYMENT_METHODS,
        ATTEMPTS,
        INTENTS,
        CHARGES,
        REFUNDS,
        PAYOUTS,
        ENDPOINTS,
        DELIVERIES,
        REPLAYS,
        NOTICES,
    ]
)

# Every kind above is audited, under the noun that the wire has for it, or left out because it is
# bookkeeping for another: an attempt at a gateway for a payment, a reference for its transaction.
PORTRAITS = Portraits(
    {mapping.kind for mapping in MAPPINGS.ordered},
    {
        Charge: Audited(
            "charge",
            frozenset({"instrument"}),
            frozenset({"card", "outcome", "reference", "balance_transaction_id", "available"}),
        ),
        Customer: Audited("customer"),
        # Where its customer is sent holds the client secret.
        Intent: Audited("payment_intent", frozenset({"next_action"})),
        Endpoint: Audited("webhook_endpoint", left_out=frozenset({"slot", "failing_since"})),
        LedgerAccount: Audited("ledger_account"),
        LedgerHold: Audited("ledger_transaction"),
        PaymentMethod: Audited("payment_method"),
        Payout: Audited(
            "payout", left_out=frozenset({"ask_after", "counted", "reference", "transaction_id"})
        ),
        Refund: Audited("refund", left_out=frozenset({"balance_transaction_id", "reference"})),
        Replay: Audited("webhook_replay", left_out=frozenset({"cursor", "events"})),
        TopUp: Audited("wallet_top_up"),
        Transfer: Audited("wallet_transfer"),
        Wallet: Audited("wallet"),
        WalletHold: Audited("wallet_hold"),
        Account: Audited("account"),
        ApiKey: Audited("api_key"),
        Client: Audited("oauth_client"),
        Organization: Audited("organization"),
    },
    frozenset({Attempt, Delivery, Notice, Reference, Reversal}),
)

# Declaring a table adds it to the shared metadata; the modules are named so that all are there.
DECLARED_IN = (tenancy, keys, events, people, request_logs, trail, audit)
SCHEMA = metadata
