"""What makes each type of event happen: the object that the event is about comes back.

Every type of the contract is either here, or among those that cannot be made to happen at will.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from guilder_server.commands.desk.sandbox_objects import Made, SandboxObjects

Happening = Callable[[SandboxObjects], Awaitable[Made]]

_REMARK = {"triggered_by": "guilder"}

NOT_AT_WILL = {
    "charge.expired": "it happens when a hold is seven days old and was not captured",
    "wallet_hold.expired": "hold money of a wallet with an expires_at that is soon",
    "wallet_top_up.restored": "it happens when the refund of a top-up does not arrive",
    "wallet_top_up.failed": "it happens when a wallet is closed while its top-up is being paid",
    "ledger.transaction.expired": "hold money with status=pending and an expires_at that is soon",
    "payment_method.automatically_updated": "a gateway with real cards brings it, not the sandbox",
    "usage.quota_reached": "it happens when four fifths of a quota, and all of it, are used",
    "webhook_endpoint.disabled": "it happens to an endpoint that is gone, or fails for five days",
    "webhook_endpoint.test": "ask for it with POST /v1/webhook_endpoints/<its id>/test",
}

# Longer than the others take: the sandbox changes its mind five seconds after the refund.
SLOW = {"refund.failed"}


async def _canceled(objects: SandboxObjects) -> Made:
    intent = await objects.unpaid()
    return await objects.post(f"payment_intents/{intent['id']}/cancel")


async def _requires_action(objects: SandboxObjects) -> Made:
    return await objects.paid("pm_card_authenticationRequired")


async def _processing(objects: SandboxObjects) -> Made:
    return await objects.paid("pm_card_unknownOutcome")


async def _charge_pending(objects: SandboxObjects) -> Made:
    return await objects.post("charges", amount=2000, currency="usd", source="tok_unknownOutcome")


async def _charge_succeeded(objects: SandboxObjects) -> Made:
    return await objects.charge_of(await objects.paid())


async def _charge_failed(objects: SandboxObjects) -> Made:
    return await objects.charge_of(await objects.declined())


async def _charge_captured(objects: SandboxObjects) -> Made:
    intent = await objects.held()
    return await objects.charge_of(await objects.post(f"payment_intents/{intent['id']}/capture"))


async def _charge_updated(objects: SandboxObjects) -> Made:
    charge = await objects.charge_of(await objects.paid())
    return await objects.post(f"charges/{charge['id']}", metadata=_REMARK)


async def _charge_refunded(objects: SandboxObjects) -> Made:
    intent = await objects.paid()
    await objects.post("refunds", payment_intent=intent["id"])
    return await objects.charge_of(intent)


async def _refund_updated(objects: SandboxObjects) -> Made:
    refund = await objects.refund()
    return await objects.post(f"refunds/{refund['id']}", metadata=_REMARK)


async def _refund_failed(objects: SandboxObjects) -> Made:
    return await objects.refund("pm_card_refundFail")


async def _customer_updated(objects: SandboxObjects) -> Made:
    customer = await objects.customer()
    return await objects.post(f"customers/{customer['id']}", metadata=_REMARK)


async def _customer_deleted(objects: SandboxObjects) -> Made:
    customer = await objects.customer()
    return await objects.delete(f"customers/{customer['id']}")


async def _method_updated(objects: SandboxObjects) -> Made:
    method = await objects.attached()
    return await objects.post(f"payment_methods/{method['id']}", metadata=_REMARK)


async def _method_detached(objects: SandboxObjects) -> Made:
    method = await objects.attached()
    return await objects.post(f"payment_methods/{method['id']}/detach")


async def _account_updated(objects: SandboxObjects) -> Made:
    account = await objects.ledger_account()
    return await objects.post(f"ledger/accounts/{account['id']}", metadata=_REMARK)


async def _transaction_pending(objects: SandboxObjects) -> Made:
    return await objects.transfer(status="pending")


async def _transaction_voided(objects: SandboxObjects) -> Made:
    pending = await _transaction_pending(objects)
    return await objects.post(f"ledger/transactions/{pending['id']}/void")


async def _payout_canceled(objects: SandboxObjects) -> Made:
    payout = await objects.payout("ba_pending")
    return await objects.post(f"payouts/{payout['id']}/cancel")


async def _payout_failed(objects: SandboxObjects) -> Made:
    return await objects.payout("ba_accountClosed")


async def _payout_updated(objects: SandboxObjects) -> Made:
    payout = await objects.payout()
    return await objects.post(f"payouts/{payout['id']}", metadata=_REMARK)


async def _wallet_updated(objects: SandboxObjects) -> Made:
    wallet = await objects.wallet()
    return await objects.post(f"wallets/{wallet['id']}", metadata=_REMARK)


async def _hold_captured(objects: SandboxObjects) -> Made:
    hold = await objects.wallet_hold()
    return await objects.post(f"wallets/{hold['wallet']}/holds/{hold['id']}/capture")


async def _hold_released(objects: SandboxObjects) -> Made:
    hold = await objects.wallet_hold()
    return await objects.post(f"wallets/{hold['wallet']}/holds/{hold['id']}/release")


async def _top_up_reversed(objects: SandboxObjects) -> Made:
    brought = await objects.top_up()
    await objects.post("refunds", payment_intent=brought["payment_intent"])
    return await objects.top_up_of(brought["wallet"])


async def _wallet_transfer(objects: SandboxObjects) -> Made:
    wallet, other = (await objects.top_up())["wallet"], (await objects.wallet())["id"]
    return await objects.post(f"wallets/{wallet}/transfers", destination=other, amount=500)


HAPPENINGS: dict[str, Happening] = {
    "charge.captured": _charge_captured,
    "charge.failed": _charge_failed,
    "charge.pending": _charge_pending,
    "charge.refund.updated": _refund_updated,
    "charge.refunded": _charge_refunded,
    "charge.succeeded": _charge_succeeded,
    "charge.updated": _charge_updated,
    "customer.created": SandboxObjects.customer,
    "customer.deleted": _customer_deleted,
    "customer.updated": _customer_updated,
    "ledger.account.created": SandboxObjects.ledger_account,
    "ledger.account.updated": _account_updated,
    "ledger.transaction.pending": _transaction_pending,
    "ledger.transaction.posted": SandboxObjects.transfer,
    "ledger.transaction.voided": _transaction_voided,
    "payment_intent.amount_capturable_updated": SandboxObjects.held,
    "payment_intent.canceled": _canceled,
    "payment_intent.created": SandboxObjects.unpaid,
    "payment_intent.payment_failed": SandboxObjects.declined,
    "payment_intent.processing": _processing,
    "payment_intent.requires_action": _requires_action,
    "payment_intent.succeeded": SandboxObjects.paid,
    "payment_method.attached": SandboxObjects.attached,
    "payment_method.detached": _method_detached,
    "payment_method.updated": _method_updated,
    "payout.canceled": _payout_canceled,
    "payout.created": SandboxObjects.payout,
    "payout.failed": _payout_failed,
    "payout.paid": SandboxObjects.payout,
    "payout.updated": _payout_updated,
    "refund.created": SandboxObjects.refund,
    "refund.failed": _refund_failed,
    "refund.updated": _refund_updated,
    "wallet.created": SandboxObjects.wallet,
    "wallet.updated": _wallet_updated,
    "wallet_hold.captured": _hold_captured,
    "wallet_hold.created": SandboxObjects.wallet_hold,
    "wallet_hold.released": _hold_released,
    "wallet_top_up.reversed": _top_up_reversed,
    "wallet_top_up.succeeded": SandboxObjects.top_up,
    "wallet_transfer.created": _wallet_transfer,
}
