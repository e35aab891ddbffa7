"""How each kind of object is shown, and the executor that answers with them."""

from __future__ import annotations

from guilder_server.audit.domain.entry import Entry as AuditEntry
from guilder_server.audit.views import view_entry as view_audit_entry
from guilder_server.composition.ground import Ground
from guilder_server.composition.house import House, lease
from guilder_server.customers import Customer, view_customer
from guilder_server.events import Told
from guilder_server.events.views import EventView
from guilder_server.http.contract import Contract
from guilder_server.http.execute import Executor
from guilder_server.http.expand import Expander
from guilder_server.http.present import Views
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.postings import LedgerTransaction
from guilder_server.ledger import Balance, BalanceTransaction
from guilder_server.ledger.domain.account import AsOf, Entry, Standing
from guilder_server.ledger.domain.checkpoint import Checkpoint
from guilder_server.ledger.domain.posted import Bulk, Posted
from guilder_server.ledger.domain.sums import Sums
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
from guilder_server.oauth.domain.client import ShownClient
from guilder_server.oauth.views import view_client
from guilder_server.payment_methods import PaymentMethod, view_payment_method
from guilder_server.payments.domain.charges import Charge
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.domain.refunds import Refund
from guilder_server.payments.views import view_charge, view_intent, view_refund
from guilder_server.payouts.domain.payout import Payout
from guilder_server.payouts.views import view_payout
from guilder_server.people.domain.invitation import Seen as SeenInvitation
from guilder_server.people.domain.person import Member
from guilder_server.people.domain.recovery import RecoveryCodes
from guilder_server.people.domain.session import SeenSession
from guilder_server.people.views import (
    view_invitation,
    view_member,
    view_recovery_codes,
    view_session,
)
from guilder_server.postgres import snapshots
from guilder_server.request_logs.domain.entry import RequestLog
from guilder_server.request_logs.views import RequestLogView
from guilder_server.tenancy import Account, Organization
from guilder_server.tenancy.domain.keys import ShownKey
from guilder_server.tenancy.operator_keys import HandedOut
from guilder_server.tenancy.operator_views import view_any_account, view_key, view_organization
from guilder_server.tenancy.views import KeyView
from guilder_server.usage.domain.notice import Notice
from guilder_server.usage.domain.used import AccountUsage, Usage
from guilder_server.usage.views import view_account_usage, view_notice, view_usage
from guilder_server.wallets import Purse
from guilder_server.wallets.domain.hold import Hold as WalletHold
from guilder_server.wallets.domain.movement import Movement
from guilder_server.wallets.domain.top_up import TopUp
from guilder_server.wallets.domain.transfer import Transfer
from guilder_server.wallets.views import (
    view_hold,
    view_movement,
    view_top_up,
    view_transfer,
    view_wallet,
)
from guilder_server.webhooks.domain.delivery import Delivery
from guilder_server.webhooks.domain.endpoint import Endpoint
from guilder_server.webhooks.domain.replay import Replay
from guilder_server.webhooks.domain.revealed import Revealed
from guilder_server.webhooks.views import (
    view_delivery,
    view_endpoint,
    view_replay,
    view_revealed,
)


def make_executor(ground: Ground, house: House, contract: Contract) -> Executor:
    views = views_at(ground.clock)
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
        told=house.event_store.payload,
        secret=ground.secret,
        lease=lease(ground.settings),
        metering=ground.calls,
    )


def views_at(clock: Clock) -> Views:
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
            RecoveryCodes: view_recovery_codes,
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
