"""The capabilities in the order of their tiers: each may import those before it, none after.

News to the right travels as events. What all of them own in the database is listed here too,
so that the schema and the committer know every table.
"""

from __future__ import annotations

from guilder_server.customers.infra.tables import CUSTOMERS
from guilder_server.events.infra import tables as events
from guilder_server.gateways.infra.store import ATTEMPTS
from guilder_server.ledger.infra.tables import HOLDS, PROFILES, REFERENCES, REVERSALS
from guilder_server.oauth.infra.tables import CLIENTS
from guilder_server.payment_methods.infra.tables import PAYMENT_METHODS
from guilder_server.payments.infra.store import CHARGES, INTENTS, REFUNDS
from guilder_server.payouts.infra.store import PAYOUTS
from guilder_server.people.infra import tables as people
from guilder_server.postgres import keys
from guilder_server.postgres.rows import Mappings
from guilder_server.postgres.schema import metadata
from guilder_server.request_logs.infra import tables as request_logs
from guilder_server.tenancy.infra import tables as tenancy
from guilder_server.tenancy.infra.tables import ACCOUNTS, API_KEYS, ORGANIZATIONS
from guilder_server.usage.infra.tables import NOTICES
from guilder_server.wallets.infra.tables import HOLDS as WALLET_HOLDS
from guilder_server.wallets.infra.tables import TOP_UPS, TRANSFERS, WALLETS
from guilder_server.webhooks.infra.tables import DELIVERIES, ENDPOINTS, REPLAYS

TIERS = (
    "tenancy",
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

# Declaring a table adds it to the shared metadata; the modules are named so that all are there.
DECLARED_IN = (tenancy, keys, events, people, request_logs)
SCHEMA = metadata
