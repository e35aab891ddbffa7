"""What somebody with the right to write could do to the books of `a_day`."""

from __future__ import annotations

_ENTRY = "(tenant_id, account_id, version) = (SELECT tenant_id, account_id, version FROM {})"
_LAST_ENTRY = _ENTRY.format("ledger_entries ORDER BY transaction_id DESC, version DESC LIMIT 1")
_SOME_ENTRY = _ENTRY.format("ledger_entries WHERE version = 2 ORDER BY account_id LIMIT 1")
_CHARGE = "id = (SELECT min(id) FROM charges WHERE amount_captured > 100 AND amount_refunded > 0)"
_REFUND = "id = (SELECT min(id) FROM refunds WHERE status = 'succeeded')"
_PAID_OUT = "id = (SELECT min(id) FROM payouts WHERE status = 'paid')"
_LAST = "(SELECT max(id) FROM ledger_transactions)"
_MOVED = "id = (SELECT min(id) FROM ledger_transactions WHERE reference = 'first')"
_OPENED = "id = (SELECT min(id) FROM ledger_accounts WHERE code = 'assets/bank')"
_PROFILE = "id = (SELECT min(id) FROM ledger_profiles WHERE code = 'assets/bank')"
_BACKDATED = _ENTRY.format("ledger_entries WHERE effective_at IS NOT NULL LIMIT 1")
_REVERSAL = "id = (SELECT min(id) FROM ledger_reversals)"
_REFERENCE = "id = 'first' AND tenant_id = (SELECT min(tenant_id) FROM ledger_references)"
_ACCOUNT = "id = (SELECT min(id) FROM ledger_accounts)"
_EXCHANGE = "(SELECT min(id) FROM ledger_transactions WHERE exchange ->> 'rounding' = 'down')"
_EXCHANGED = "every exchange is what its entries moved, at its rate"


def _altered(change: str) -> tuple[str, str, str]:
    """What was recorded of an exchange, changed."""
    statement = f"UPDATE ledger_transactions SET exchange = {change} WHERE id = {_EXCHANGE}"
    return statement, _EXCHANGED, f"SELECT {_EXCHANGE}"


# What is done to the books, which proof finds it, and what it names.
TAMPERING = {
    "the amount of an entry": (
        f"UPDATE ledger_entries SET amount = amount + 1 WHERE {_LAST_ENTRY}",
        "every transaction sums to zero",
        f"SELECT {_LAST}",
    ),
    "an entry that is gone": (
        f"DELETE FROM ledger_entries WHERE {_LAST_ENTRY}",
        "every transaction sums to zero",
        f"SELECT {_LAST}",
    ),
    "a transaction without entries": (
        (
            "INSERT INTO ledger_transactions SELECT tenant_id, 'txn_orphan', kind, source, "
            f"created, available, currency FROM ledger_transactions WHERE id = {_LAST}"
        ),
        "every transaction sums to zero",
        "SELECT 'txn_orphan'",
    ),
    "the currency of a transaction": (
        f"UPDATE ledger_transactions SET currency = 'gbp' WHERE id = {_LAST}",
        "every entry is in the currency of its transaction and its account",
        f"SELECT {_LAST}",
    ),
    "the currency of an account": (
        f"UPDATE ledger_accounts SET currency = 'gbp' WHERE {_ACCOUNT}",
        "every entry is in the currency of its transaction and its account",
        "SELECT 'its account is in gbp'",
    ),
    "a transaction that is gone": (
        f"DELETE FROM ledger_transactions WHERE id = {_LAST}",
        "every entry is in the currency of its transaction and its account",
        "SELECT 'missing'",
    ),
    "an account that is gone": (
        f"DELETE FROM ledger_accounts WHERE {_ACCOUNT}",
        "every entry is in the currency of its transaction and its account",
        "SELECT 'missing'",
    ),
    "the balance of an account": (
        f"UPDATE ledger_accounts SET balance = balance - 1 WHERE {_ACCOUNT}",
        "every balance is the sum of its entries",
        f"SELECT code FROM ledger_accounts WHERE {_ACCOUNT}",
    ),
    "the version of an account": (
        f"UPDATE ledger_accounts SET version = version + 1 WHERE {_ACCOUNT}",
        "every balance is the sum of its entries",
        f"SELECT code FROM ledger_accounts WHERE {_ACCOUNT}",
    ),
    "a running balance": (
        f"UPDATE ledger_entries SET balance = balance + 1 WHERE {_SOME_ENTRY}",
        "running balances follow one another without a gap",
        "SELECT 'entry 2 on account ' || min(account_id) FROM ledger_entries WHERE version = 2",
    ),
    "a gap in the entries": (
        f"UPDATE ledger_entries SET version = 1000 WHERE {_SOME_ENTRY}",
        "running balances follow one another without a gap",
        "SELECT 'entry '",
    ),
    "a floor": (
        f"UPDATE ledger_accounts SET floor = 1000000 WHERE {_ACCOUNT}",
        "no account is below its floor or above its ceiling",
        f"SELECT code FROM ledger_accounts WHERE {_ACCOUNT}",
    ),
    "a ceiling": (
        f"UPDATE ledger_accounts SET ceiling = -1000000 WHERE {_ACCOUNT}",
        "no account is below its floor or above its ceiling",
        f"SELECT code FROM ledger_accounts WHERE {_ACCOUNT}",
    ),
    "the ceiling of an account that was opened": (
        f"UPDATE ledger_accounts SET ceiling = NULL WHERE {_OPENED}",
        "every account is as it was opened",
        "SELECT 'assets/bank'",
    ),
    "the currency of an account that was opened": (
        f"UPDATE ledger_profiles SET currency = 'gbp' WHERE {_PROFILE}",
        "every account is as it was opened",
        "SELECT 'assets/bank'",
    ),
    "an account that is closed and not empty": (
        f"UPDATE ledger_profiles SET status = 'closed' WHERE {_PROFILE}",
        "every account is as it was opened",
        "SELECT 'is closed and not empty'",
    ),
    "an account that nobody opened": (
        f"DELETE FROM ledger_profiles WHERE {_PROFILE}",
        "every account is as it was opened",
        "SELECT 'assets/bank'",
    ),
    "the rate of an exchange": _altered("""exchange || '{"numerator": 11701}'"""),
    "a rate of other terms": _altered(
        """exchange || '{"numerator": 21674, "denominator": 20000}'"""
    ),
    "what an exchange sold": _altered("""exchange || '{"sold_amount": 11}'"""),
    "what an exchange bought": _altered("""exchange || '{"bought_amount": 14}'"""),
    "which currency an exchange sold": _altered("""exchange || '{"sold": "gbp"}'"""),
    "how an exchange was rounded": _altered("""exchange || '{"rounding": "up"}'"""),
    "that an exchange was rounded": _altered("exchange - 'rounding'"),
    "that there is more to an exchange": _altered("'{}'"),
    "an exchange of one currency": (
        (
            "UPDATE ledger_transactions SET exchange = (SELECT exchange FROM ledger_transactions "
            f"WHERE id = {_EXCHANGE}) WHERE {_MOVED}"
        ),
        _EXCHANGED,
        "SELECT min(id) FROM ledger_transactions WHERE reference = 'first'",
    ),
    "an account that was opened and is gone": (
        (
            "DELETE FROM ledger_accounts "
            "WHERE id = (SELECT min(id) FROM ledger_accounts WHERE code = 'past')"
        ),
        "every account is as it was opened",
        "SELECT 'past'",
    ),
    "when an entry was posted": (
        f"UPDATE ledger_entries SET posted_at = posted_at - interval '1 day' WHERE {_SOME_ENTRY}",
        "entries follow one another in time",
        "SELECT 'entry 2 on account ' || min(account_id) FROM ledger_entries WHERE version = 2",
    ),
    "since when an entry counts": (
        f"UPDATE ledger_entries SET effective_at = NULL WHERE {_BACKDATED}",
        "entries follow one another in time",
        "SELECT 'entry 1 on account '",
    ),
    "what a caller said": (
        f"UPDATE ledger_transactions SET pairs = jsonb_set(pairs, '{{0,2}}', '501') WHERE {_MOVED}",
        "what callers posted is what they said",
        f"SELECT id FROM ledger_transactions WHERE {_MOVED}",
    ),
    "how much was reversed": (
        f"UPDATE ledger_reversals SET reversed = '[119]' WHERE {_REVERSAL}",
        "what is reversed was taken back",
        f"SELECT id FROM ledger_reversals WHERE {_REVERSAL}",
    ),
    "a reversal that says it was whole": (
        f"UPDATE ledger_reversals SET whole = true WHERE {_REVERSAL}",
        "what is reversed was taken back",
        f"SELECT id FROM ledger_reversals WHERE {_REVERSAL}",
    ),
    "a reversal that is gone": (
        f"DELETE FROM ledger_reversals WHERE {_REVERSAL}",
        "what is reversed was taken back",
        f"SELECT id FROM ledger_reversals WHERE {_REVERSAL}",
    ),
    "what a reversal reverses": (
        (
            "UPDATE ledger_transactions SET reverses = 'lt_nobody' WHERE id = "
            "(SELECT min(id) FROM ledger_transactions WHERE reverses IS NOT NULL)"
        ),
        "what is reversed was taken back",
        "SELECT reverses FROM ledger_transactions WHERE reverses IS NOT NULL ORDER BY id LIMIT 1",
    ),
    "the reference of a transaction": (
        f"UPDATE ledger_transactions SET reference = 'other' WHERE {_MOVED}",
        "every reference is of one transaction",
        "SELECT 'first'",
    ),
    "a reference that is gone": (
        f"DELETE FROM ledger_references WHERE {_REFERENCE}",
        "every reference is of one transaction",
        "SELECT 'first'",
    ),
    "what is held of an account": (
        f"UPDATE ledger_accounts SET held_debits = held_debits + 1 WHERE {_OPENED}",
        "what is held is what pending transactions hold",
        "SELECT 'assets/bank'",
    ),
    "the status of what is held": (
        "UPDATE ledger_holds SET status = 'voided' WHERE id = (SELECT min(id) FROM ledger_holds)",
        "what is held is what pending transactions hold",
        "SELECT 'assets/bank'",
    ),
    "the cause of a transaction": (
        f"UPDATE ledger_transactions SET source = 'ch_nobody' WHERE id = {_LAST}",
        "every transaction has its cause",
        f"SELECT {_LAST}",
    ),
    "the transaction that a charge names": (
        f"UPDATE charges SET balance_transaction_id = {_LAST} WHERE {_CHARGE}",
        "every transaction that a payment names is its own",
        f"SELECT id FROM charges WHERE {_CHARGE}",
    ),
    "the transaction that a refund names": (
        f"UPDATE refunds SET balance_transaction_id = 'txn_none' WHERE {_REFUND}",
        "every transaction that a payment names is its own",
        f"SELECT id FROM refunds WHERE {_REFUND}",
    ),
    "what a charge captured": (
        f"UPDATE charges SET amount_captured = amount_captured - 1 WHERE {_CHARGE}",
        "what charges captured is in the ledger",
        f"SELECT id FROM charges WHERE {_CHARGE}",
    ),
    "the currency of a charge": (
        f"UPDATE charges SET currency = 'gbp' WHERE {_CHARGE}",
        "what charges captured is in the ledger",
        f"SELECT id FROM charges WHERE {_CHARGE}",
    ),
    "what an intent received": (
        (
            "UPDATE payment_intents SET amount_received = amount_received - 1 "
            "WHERE id = (SELECT max(id) FROM payment_intents WHERE amount_received > 0)"
        ),
        "what payment intents received was captured",
        "SELECT max(id) FROM payment_intents WHERE amount_received > 0",
    ),
    "a charge that is gone": (
        (
            "DELETE FROM charges WHERE id = (SELECT max(c.id) FROM charges c "
            "JOIN payment_intents p ON p.latest_charge_id = c.id WHERE p.amount_received > 0)"
        ),
        "every transaction has its cause",
        "SELECT 'ch_'",
    ),
    "the amount of a refund": (
        f"UPDATE refunds SET amount = amount - 1 WHERE {_REFUND}",
        "what refunds gave back left the ledger",
        f"SELECT id FROM refunds WHERE {_REFUND}",
    ),
    "the currency of a transfer between wallets": (
        (
            "UPDATE wallet_transfers SET currency = 'eur' "
            "WHERE id = (SELECT max(id) FROM wallet_transfers)"
        ),
        "transfers between wallets name what moved them",
        "SELECT max(id) FROM wallet_transfers",
    ),
    "the status of a hold that was posted": (
        (
            "UPDATE ledger_holds SET status = 'voided' WHERE id = "
            "(SELECT max(id) FROM ledger_holds WHERE status = 'posted')"
        ),
        "what was held is in the ledger once it is posted",
        "SELECT max(id) FROM ledger_holds WHERE status = 'posted'",
    ),
    "the time of an account's last entry": (
        (
            "UPDATE ledger_accounts SET posted_at = posted_at + interval '30 days' WHERE id = "
            "(SELECT max(id) FROM ledger_accounts WHERE version > 0)"
        ),
        "entries follow one another in time",
        "SELECT 'account ' || max(id) FROM ledger_accounts WHERE version > 0",
    ),
    "the amount of a transfer between wallets": (
        (
            "UPDATE wallet_transfers SET amount = amount - 1 "
            "WHERE id = (SELECT max(id) FROM wallet_transfers)"
        ),
        "what wallets moved is in the ledger",
        "SELECT max(id) FROM wallet_transfers",
    ),
    "the floor of a wallet": (
        "UPDATE wallets SET floor = -5 WHERE id = (SELECT max(id) FROM wallets)",
        "every wallet has its account",
        "SELECT max(id) FROM wallets",
    ),
    "whether a hold counts against limits": (
        (
            "UPDATE wallet_holds SET counted = false WHERE id = "
            "(SELECT max(id) FROM wallet_holds WHERE status = 'held' AND counted)"
        ),
        "limits of wallets count what is held",
        (
            "SELECT wallet_id FROM wallet_holds WHERE id = "
            "(SELECT max(id) FROM wallet_holds WHERE status = 'held' AND counted)"
        ),
    ),
    "what a hold of a wallet holds": (
        (
            "UPDATE wallet_holds SET amount_held = amount_held - 1 WHERE id = "
            "(SELECT max(id) FROM wallet_holds WHERE status = 'held')"
        ),
        "what is held is what pending transactions hold",
        "SELECT '(usd)'",
    ),
    "the status of a payout": (
        f"UPDATE payouts SET status = 'in_transit' WHERE {_PAID_OUT}",
        "what is in transit is what payouts have under way",
        "SELECT 'usd of tenant'",
    ),
    "that a payout was paid": (
        f"UPDATE payouts SET status = 'failed' WHERE {_PAID_OUT}",
        "what wallets moved is in the ledger",
        f"SELECT id FROM payouts WHERE {_PAID_OUT}",
    ),
    "the gateway of a payout": (
        f"UPDATE payouts SET gateway = 'another' WHERE {_PAID_OUT}",
        "what payouts moved is what became of them",
        f"SELECT id FROM payouts WHERE {_PAID_OUT}",
    ),
    "the transaction of a payout": (
        f"UPDATE payouts SET transaction_id = 'lt_none' WHERE {_PAID_OUT}",
        "payouts name what they moved",
        f"SELECT id FROM payouts WHERE {_PAID_OUT}",
    ),
    "the status of a refund": (
        f"UPDATE refunds SET status = 'failed' WHERE {_REFUND}",
        "what refunds gave back left the ledger",
        f"SELECT id FROM refunds WHERE {_REFUND}",
    ),
    "what a charge refunded": (
        f"UPDATE charges SET amount_refunded = amount_refunded - 1 WHERE {_CHARGE}",
        "what charges refunded left the ledger",
        f"SELECT id FROM charges WHERE {_CHARGE}",
    ),
}
