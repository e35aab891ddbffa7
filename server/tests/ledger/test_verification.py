"""`guilder ledger verify` says yes to a sound ledger, and names what is wrong with any other."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from guilder_server.ledger.verification import PROOFS, verify
from guilder_server.ledger.verification.chain import CHECKPOINTS, COVERED, ROWS
from tests.ledger.keeping import ACCOUNTS, TRANSACTIONS, account, moved, posting
from tests.payouts.keeping import PAYOUTS, pay_out
from tests.support.api import Api, ApiServer
from tests.support.chained import chained
from tests.support.postgres import TestDatabases
from tests.support.processes import eventually
from tests.support.servers import run_guilder
from tests.wallets.keeping import WALLETS, capture, filled, hold, transfer, wallet

pytestmark = pytest.mark.anyio

Said = Callable[[], tuple[list[str], str]]


def _live(api: Api) -> str:
    """A day of a merchant: something of everything that moves money. Gives the id of a refund
    that will fail."""
    paid = api.pay(2000)
    api.post("/v1/refunds", payment_intent=paid["id"], amount=500)
    api.post("/v1/refunds", payment_intent=paid["id"], amount=700)
    api.post("/v1/refunds", payment_intent=api.pay(1500, currency="eur")["id"])
    api.pay(999, currency="jpy")
    held = api.pay(3000, capture_method="manual")
    api.post(f"/v1/payment_intents/{held['id']}/capture", amount_to_capture=1200)
    api.post(f"/v1/payment_intents/{api.pay(800, capture_method='manual')['id']}/cancel")
    api.pay(700, payment_method="pm_card_chargeDeclined")
    failing = api.pay(1100, payment_method="pm_card_refundFail")
    back = api.post("/v1/refunds", payment_intent=failing["id"])
    api.post("/v1/charges", amount=400, currency="usd", source="tok_visa")
    _keep_books(api)
    _keep_wallets(api)
    _pay_out(api)
    return str(back["id"])


def _keep_books(api: Api) -> None:
    """Something of everything that callers do to the ledger."""
    bank = account(api, "assets/bank", floor=-100_000, ceiling=100_000)
    sales = account(api, "sales", normal_side="credit")
    euros = account(api, "euros", currency="eur"), account(api, "more", currency="eur")
    first = moved(api, bank, sales, 500, reference="first", effective_at=1_700_000_000)
    moved(api, bank, sales, 70)
    api.post(f"{TRANSACTIONS}/{first}/reverse", amount=120)
    api.post(TRANSACTIONS, postings=[posting(bank, sales, 30), posting(*euros, 20)])
    moved(api, bank, sales, 11, status="pending", reference="held")
    _change_money(api, bank, sales, euros)
    api.post(f"{ACCOUNTS}/{account(api, 'past')}", status="closed")


def _keep_wallets(api: Api) -> None:
    """Something of everything that is done with wallets."""
    purse, other = filled(api, 5000, limits={"per_day": 4000}), wallet(api)
    transfer(api, purse, other, 300)
    hold(api, purse, 200)
    capture(api, hold(api, purse, 200, destination=other), amount=50, final_capture=False)
    paid = api.pay(amount=2000, wallet=purse, wallet_amount=700)
    api.post("/v1/refunds", charge=paid["wallet_charge"], amount=100)
    brought = api.pay(amount=1000, top_up_wallet=other)
    api.post("/v1/refunds", payment_intent=brought["id"], amount=400)
    api.post(f"{WALLETS}/{wallet(api)}", status="closed")


def _change_money(api: Api, bank: str, sales: str, euros: tuple[str, str]) -> None:
    for rounding, dollars, status in (
        ("down", 13, "posted"),
        ("up", 14, "posted"),
        ("half_even", 13, "pending"),
    ):
        given = {"sold": "eur", "bought": "usd", "rate": "1.0837", "rounding": rounding}
        postings = [posting(*euros, 12), posting(bank, sales, dollars)]
        made = api.post(TRANSACTIONS, postings=postings, exchange=given, status=status)
        api.post(f"{TRANSACTIONS}/{made['id']}/{'post' if status == 'pending' else 'reverse'}")


def _pay_out(api: Api) -> None:
    """Payouts in each state, one of them of a wallet that is closed by now."""
    purse, closed = filled(api, 5000), filled(api, 500)
    for destination in ("ba_pending", "ba_noAccount"):
        pay_out(api, purse, 300, destination=destination)
    canceled = pay_out(api, purse, 300, destination="ba_pending")
    api.post(f"{PAYOUTS}/{canceled['id']}/cancel")
    kept = pay_out(api, closed, 500, destination="ba_couldNotProcess")["id"]
    api.post(f"{WALLETS}/{closed}", status="closed")
    paid = pay_out(api, purse, 300, method="instant")["id"]

    def over() -> bool:
        states = [api.get(f"{PAYOUTS}/{payout}")["status"] for payout in (paid, kept)]
        return states == ["paid", "failed"]

    assert eventually(over, 20)


def _status(api: Api, refund: str) -> str:
    return str(api.get(f"/v1/refunds/{refund}")["status"])


@pytest.fixture(scope="module")
def sound(postgres: TestDatabases) -> Iterator[str]:
    """The name of a database with the books of two merchants, closed for connections."""
    with postgres.database() as url:
        server = ApiServer(url)
        server.start()
        merchants = [Api(server.url, server.open_account()) for _ in range(2)]
        for api, refund in [(api, _live(api)) for api in merchants]:
            assert eventually(lambda: _status(api, refund) == "failed", 20)  # noqa: B023
            api.close()
        server.stop()
        yield url.rsplit("/", 1)[1].split("?")[0]


class Books:
    """A copy of sound books, to do with as one likes."""

    def __init__(self, postgres: TestDatabases, name: str) -> None:
        self._postgres, self._name = postgres, name
        self.url = postgres.url_of(name)

    def superuser(self) -> psycopg.Connection:
        return self._postgres.superuser_connection(self._name)

    def one(self, query: str) -> str:
        with self.superuser() as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return str(row[0])

    def first_difference(self) -> tuple[str, str]:
        """What the rows of the ledger say of each other: the first claim that does not hold."""
        with self.superuser() as connection:
            for proof in PROOFS:
                if (row := connection.execute(proof.differences).fetchone()) is not None:
                    return proof.claim, row[0]
        return "", ""

    def tamper(self, statement: str) -> None:
        """Change one row as nobody can who keeps to the constraints."""
        with self.superuser() as connection:
            connection.execute("SET session_replication_role = replica")
            for table, name in connection.execute(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint "
                "WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
            ).fetchall():
                connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            changed = connection.execute(statement)
            assert changed.rowcount == 1, f"{changed.rowcount} rows: {statement}"


@pytest.fixture
def books(postgres: TestDatabases, sound: str) -> Iterator[Books]:
    name = f"books_{uuid.uuid4().hex[:12]}"
    with postgres.superuser_connection() as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER guilder TEMPLATE {sound}")
    yield Books(postgres, name)
    postgres.drop(name)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def read() -> tuple[list[str], str]:
        printed = capsys.readouterr()
        return printed.out.splitlines(), printed.err.strip()

    return read


async def test_sound_books_are_found_sound(books: Books, said: Said) -> None:
    assert await verify(books.url) == 0
    lines, complaint = said()
    assert complaint == ""
    assert [line.split(":")[0] for line in lines[:3]] == ["eur", "jpy", "usd"]
    claims = [line for line in lines[3:] if not line.startswith(" ")]
    expected = [ROWS, COVERED.claim, CHECKPOINTS, *(proof.claim for proof in PROOFS)]
    assert claims == [*(f"ok      {claim}" for claim in expected), "The ledger is sound."]
    for line in lines[:3]:
        debits, credited = line.split("debits ")[1].split(", credits ")
        assert int(debits) == int(credited) > 0


async def test_books_without_a_payment_are_sound(database_url: str, said: Said) -> None:
    assert await verify(database_url) == 0
    assert said()[0][-1] == "The ledger is sound."


async def test_a_database_without_a_ledger_is_not_called_sound(
    postgres: TestDatabases, said: Said
) -> None:
    assert await verify(postgres.url_of("postgres")) == 1
    assert "no ledger" in said()[1]


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


_TAMPERING = {
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


@pytest.mark.parametrize(("statement", "claim", "name"), _TAMPERING.values(), ids=_TAMPERING.keys())
async def test_tampering_is_found_and_named(
    books: Books,
    said: Said,
    statement: str,
    claim: str,
    name: str,
) -> None:
    expected = books.one(name)
    books.tamper(statement)
    broken, sentence = books.first_difference()
    assert broken == claim
    assert expected in sentence
    # The chain may have found it before the sums were looked at.
    assert await verify(books.url) == 1
    lines, complaint = said()
    assert lines[-1].startswith("FAILED  ")
    assert complaint.startswith("guilder: ")


async def test_every_proof_has_been_seen_to_fail() -> None:
    assert {claim for _, claim, _ in _TAMPERING.values()} == {proof.claim for proof in PROOFS}


async def test_money_that_never_was_is_found_even_if_it_adds_up(books: Books, said: Said) -> None:
    """A second transaction for a charge, with entries, balances and versions all in order."""
    with books.superuser() as connection:
        connection.execute(
            """
            WITH model AS (SELECT * FROM ledger_transactions WHERE kind = 'charge' LIMIT 1),
            posted AS (
                INSERT INTO ledger_transactions SELECT tenant_id, 'txn_second', kind, source,
                    created, available, currency FROM model
            ),
            moved AS (
                UPDATE ledger_accounts a SET balance = a.balance + e.amount, version = a.version + 1
                FROM ledger_entries e, model m
                WHERE (e.tenant_id, e.transaction_id) = (m.tenant_id, m.id)
                  AND (a.tenant_id, a.id) = (e.tenant_id, e.account_id)
                RETURNING a.tenant_id, a.id, a.version, e.amount, a.balance, a.posted_at
            )
            INSERT INTO ledger_entries
            SELECT tenant_id, id, version, 'txn_second', amount, balance, posted_at FROM moved
            """
        )
    broken, sentence = books.first_difference()
    assert broken == "what charges captured is in the ledger"
    assert "charge ch_" in sentence
    assert await verify(books.url) == 1
    assert said()[1].endswith("txn_second of tenant 1 is in no block")


def test_the_command_answers_with_its_exit_code(books: Books) -> None:
    settings = {"GUILDER_DATABASE_URL": books.url}
    assert run_guilder("ledger", "verify", settings=settings).returncode == 0
    books.tamper(f"UPDATE ledger_accounts SET balance = 0 WHERE {_ACCOUNT}")
    failed = run_guilder("ledger", "verify", settings=settings)
    assert failed.returncode == 1
    assert "FAILED" in failed.stdout
    assert failed.stderr.startswith("guilder: account ")


async def test_a_hundred_thousand_entries_are_proved_in_seconds(
    fresh_database_url: str, said: Said
) -> None:
    """Not a measurement: it finds a proof that walks one table for each row of another, be it
    before the planner has its statistics or after."""
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        connection.execute(Path(__file__).with_name("many_payments.sql").read_text())
        connection.execute(
            "INSERT INTO ledger_backlog SELECT tenant_id, id FROM ledger_transactions"
        )
        for _ in range(2):
            began = time.monotonic()
            assert await verify(fresh_database_url) == 0
            assert time.monotonic() - began < 30
            await chained(fresh_database_url)
            connection.execute("ANALYZE")
    assert "usd: 41 accounts, 100000 entries" in said()[0][0]
