"""The ledger: transactions in bulk, one at a time, on one hot account, and balances as of then."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from load import wrk
from million import BACKLOG
from stage import EMPTY, MERCHANTS, MILLION, Serving, Stage, post

HOLDERS = 100
CALLERS = 4
A_CALL = 500
ENTRIES = 1_000_000
CONNECTIONS = 64
_STATEMENTS = {
    "statement_s": "format=json",
    "statement_csv_s": "format=csv",
    "statement_effective_s": "basis=effective",
}
_RATE = re.compile(r", (\d+) a second")

# The rows of a transaction in bulk, as the application writes them, by one statement.
_SAME_ROWS = """
WITH made AS (
    INSERT INTO ledger_transactions (tenant_id, id, kind, source, created, available, currency,
        metadata, pairs)
    SELECT tenant_id, :mark || n, kind, :mark || n, now(), now(), currency, metadata, pairs
    FROM ledger_transactions, generate_series(1, :count) n WHERE id = :sample RETURNING 1
), sides AS (
    INSERT INTO ledger_entries (tenant_id, account_id, version, transaction_id, amount, balance,
        posted_at)
    SELECT tenant_id, account_id, :first + n, :mark || n, amount, balance + amount * n, now()
    FROM ledger_entries, generate_series(1, :count) n WHERE transaction_id = :sample RETURNING 1
)
INSERT INTO events (tenant_id, id, type, created, object_id, payload, sequence)
SELECT tenant_id, :mark || n, type, now(), :mark || n, payload, sequence
FROM events, generate_series(1, :count) n WHERE object_id = :sample
"""
# Books of two entries for each transaction, in the database for the million.
_BOOKS = """
WITH sides (id, code, side, sign) AS (
    VALUES ('la_a', 'bench/a', 'debit', 1), ('la_b', 'bench/b', 'credit', -1)
), opened AS (
    INSERT INTO ledger_accounts (tenant_id, code, currency, normal_side, balance, version,
        public_id, created, posted_at, held_debits, held_credits)
    SELECT :tenant, code, 'usd', side, sign * 17 * :count, :count, id, now(), now(), 0, 0 FROM sides
    RETURNING id, public_id
), profiles AS (
    INSERT INTO ledger_profiles (tenant_id, id, version, created, code, currency, normal_side,
        metadata, status)
    SELECT :tenant, id, 1, now(), code, 'usd', side, '{}', 'open' FROM sides
), posted AS (
    INSERT INTO ledger_transactions (tenant_id, id, kind, source, created, available, currency,
        metadata, pairs)
    SELECT :tenant, 'lt_' || lpad(n::text, 24, '0'), 'transfer', 'lt_' || lpad(n::text, 24, '0'),
           now(), now(), 'usd', '{}', '[["la_a", "la_b", 17]]'
    FROM generate_series(1, :count) n
)
INSERT INTO ledger_entries (tenant_id, account_id, version, transaction_id, amount, balance,
    posted_at)
SELECT :tenant, o.id, n, 'lt_' || lpad(n::text, 24, '0'), sign * 17, sign * 17 * n, now()
FROM opened o JOIN sides ON sides.id = o.public_id, generate_series(1, :count) n
"""
_LONG_ACCOUNT = """
WITH made AS (
    INSERT INTO ledger_transactions (tenant_id, id, kind, source, created, available, currency,
        description, metadata, pairs)
    SELECT t.tenant_id, 'lt_long' || n, t.kind, 'lt_long' || n, now(), now(), t.currency,
        'Payment ' || n, t.metadata, t.pairs
    FROM ledger_transactions t, generate_series(1, :count) n WHERE t.id = :sample
)
INSERT INTO ledger_entries (tenant_id, account_id, version, transaction_id, amount, balance,
    posted_at, effective_at)
SELECT a.tenant_id, a.id, n, 'lt_long' || n, 1, n, to_timestamp(:first + n),
    CASE WHEN n % 10 = 0 THEN to_timestamp(:first + n - 1000) END
FROM ledger_accounts a, generate_series(1, :count) n WHERE a.public_id = :account
"""


def measure(stage: Stage, say: Callable[[str], None], seconds: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        serving = stack.enter_context(stage.serving(EMPTY))
        holders = [_opened(serving.url, key) for key in stage.keys[:HOLDERS]]
        file = stage.folder / "holders"
        file.write_text("".join(f"{' '.join(one)}\n" for one in holders), encoding="ascii")
        file.chmod(0o600)
        say(f"ledger transactions, {A_CALL} a call")
        sample = _bulk(serving.url, holders[:1], 2)[1]
        figures["bulk_transactions_per_s"] = round(
            _bulk(serving.url, holders[:CALLERS], seconds)[0], 1
        )
        figures["bulk_limit_per_s"] = round(_limit(stage, sample), 1)
        figures["bulk_ratio"] = round(
            figures["bulk_transactions_per_s"] / figures["bulk_limit_per_s"], 3
        )
        say("ledger transactions, one a request")
        spread = wrk(
            serving.url, "ledger.lua", [str(file), str(HOLDERS), "1"], CONNECTIONS, seconds
        )
        hot = wrk(serving.url, "ledger.lua", [str(file), "1", "2"], CONNECTIONS, seconds)
        figures["single_transactions_per_s"] = round(spread.per_second, 1)
        figures["hot_ledger_ratio"] = round(hot.per_second / spread.per_second, 3)
        say(f"balances as of then, on {ENTRIES:,} entries")
        key = holders[0][0]
        first = int(time.time()) - 2 * ENTRIES
        account = _open(serving.url, key, "long")
        _lengthen(stage, sample, account, first)
        asked = [key, account, str(first), str(first + ENTRIES)]
        figures["as_of_p95_ms"] = wrk(serving.url, "as_of.lua", asked, 1, seconds).p95_ms
        say(f"statements of {ENTRIES:,} entries")
        figures |= statements(serving, key, account)
    say(f"proving {ENTRIES:,} entries")
    figures["verify_entries_per_s"] = _proved(stage)
    return figures


def statements(serving: Serving, key: str, account: str) -> dict[str, float]:
    """Seconds of a whole one in each format and order, and what they add to the server."""
    figures: dict[str, float] = {}
    before = most = serving.workers_mb()
    for name, asked in _STATEMENTS.items():
        request = urllib.request.Request(
            f"{serving.url}/v1/ledger/accounts/{account}/statement"
            f"?interval_start=0&interval_end=4000000000&{asked}",
            headers={"authorization": f"Bearer {key}"},
        )
        began = time.monotonic()
        with urllib.request.urlopen(request, timeout=60) as answer:
            looked = began
            while answer.read(1 << 20):
                if time.monotonic() - looked > 0.1:
                    most, looked = max(most, serving.workers_mb()), time.monotonic()
        figures[name] = round(time.monotonic() - began, 1)
    figures["statement_mb_grown"] = round(most - before, 1)
    return figures


def _opened(url: str, key: str) -> tuple[str, str, str]:
    return key, _open(url, key, "assets/cash"), _open(url, key, "equity/owner", "credit")


def _open(url: str, key: str, code: str, side: str = "debit") -> str:
    return post(
        url, key, "/v1/ledger/accounts", {"code": code, "currency": "usd", "normal_side": side}
    )


def _bulk(url: str, holders: list[tuple[str, str, str]], seconds: float) -> tuple[float, str]:
    """Transactions a second of several callers, and the id of one."""
    ending, posted, ids = time.monotonic() + seconds, [0], [""]
    where = urlsplit(url)

    def call(key: str, debit: str, credit: str) -> None:
        one = {"postings": [{"debit": debit, "credit": credit, "amount": 17}]}
        body = json.dumps({"transactions": [one] * A_CALL})
        connection = http.client.HTTPConnection(where.hostname or "", where.port)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        while time.monotonic() < ending:
            connection.request("POST", "/v1/ledger/transactions/bulk", body, headers)
            answer = json.loads(connection.getresponse().read())
            posted[0] += answer["posted"]
            ids[0] = answer["results"][0]["transaction"]

    callers = [threading.Thread(target=call, args=holder) for holder in holders]
    began = time.monotonic()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return posted[0] / (time.monotonic() - began), ids[0]


def _limit(stage: Stage, sample: str) -> float:
    """Transactions a second of the same rows when one statement inserts them."""
    count = 50_000
    values = {"mark": "limit_", "count": count, "first": 10_000_000, "sample": sample}
    with stage.engine(EMPTY).begin() as connection:
        began = time.monotonic()
        connection.execute(sa.text(_SAME_ROWS), values)
    return count / (time.monotonic() - began)


def _proved(stage: Stage) -> int:
    """Entries a second of `guilder ledger verify`, along the chain."""
    values = {"tenant": stage.tenant(MERCHANTS - 1), "count": ENTRIES // 2}
    with stage.engine(MILLION).begin() as connection:
        connection.execute(sa.text(_BOOKS), values)
        connection.exec_driver_sql(BACKLOG)
    with (
        stage.engine(MILLION)
        .connect()
        .execution_options(isolation_level="AUTOCOMMIT") as connection
    ):
        connection.exec_driver_sql("VACUUM ANALYZE")
    stage.chain(MILLION)
    found = _RATE.search(stage.verify(MILLION))
    assert found is not None, "verify says how fast it was"
    return int(found.group(1))


def _lengthen(stage: Stage, sample: str, account: str, first: int) -> None:
    with stage.engine(EMPTY, "postgres").begin() as connection:
        # References are right by construction; checking each would take most of the time.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.execute(
            sa.text(_LONG_ACCOUNT),
            {"sample": sample, "first": first, "count": ENTRIES, "account": account},
        )
        connection.execute(
            sa.text(
                "UPDATE ledger_accounts SET version = :count, balance = :count "
                "WHERE public_id = :account"
            ),
            {"count": ENTRIES, "account": account},
        )
