"""A database that has been used: payments made of the rows of a real one, by SQL.

Half of them belong to the first merchant, the rest to the others in turn, and they lie in the
thirty days before. The ledger is filled with them, so that `guilder ledger verify` passes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from stage import CUSTOMER_PREFIX, CUSTOMERS, MERCHANTS, MILLION, MODES, Stage
from written import MICROSECONDS, Names, Written, stem

COUNT = 1_000_000
_NAMES = Names(tenant="f.tenant", customer="f.customer", moment="f.moment", stem="f.stem")

BACKLOG = """
INSERT INTO ledger_backlog SELECT t.tenant_id, t.id FROM ledger_transactions t
WHERE t.id <> ALL (SELECT unnest(string_to_array(b.transactions, ' ')) FROM ledger_blocks b
                   WHERE b.tenant_id = t.tenant_id)
"""
_FILLER = """
CREATE UNLOGGED TABLE filler AS
WITH payment AS MATERIALIZED (
  SELECT n, now() - ({count} - n) * (interval '30 days' / {count}) AS moment,
         {first} + CASE WHEN n % 2 = 0 THEN 0 ELSE {modes} * (1 + n / 2 % {others}) END AS tenant
  FROM generate_series(1, {count}) n
), timed AS MATERIALIZED (SELECT *, {microseconds} AS microseconds FROM payment)
SELECT n, tenant, moment, {stem} AS stem,
       '{prefix}' || lpad((n % {customers} + 1)::text, 4, '0') AS customer,
       row_number() OVER (PARTITION BY tenant ORDER BY n) AS ordinal
FROM timed ORDER BY n
"""


def fill(stage: Stage, count: int = COUNT) -> None:
    written = stage.written
    engine = stage.engine(MILLION, "postgres")

    def run(statement: str) -> None:
        with engine.begin() as connection:
            # References are right by construction; checking each would take most of the time.
            connection.exec_driver_sql("SET session_replication_role = replica")
            connection.exec_driver_sql("SET synchronous_commit = off")
            connection.exec_driver_sql(statement.replace("%", "%%"))

    run(_filler(stage, count))
    run(_accounts(written))
    # Blocks need digests of their own, which the worker's job makes.
    tables = [table for table in written.rows if table != "ledger_blocks"]
    statements = [_entries(written), *(_rows(written, table) for table in tables)]
    threads = ThreadPoolExecutor(max_workers=2)
    try:
        list(threads.map(run, statements))
    finally:
        # On Ctrl-C this does not wait: PostgreSQL is about to be stopped under them.
        threads.shutdown(wait=False, cancel_futures=True)
    run("DROP TABLE filler")
    run(BACKLOG)
    stage.chain(MILLION)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    stage.checkpoint()


def _filler(stage: Stage, count: int) -> str:
    return _FILLER.format(
        microseconds=MICROSECONDS.format(moment="moment"),
        stem=stem("microseconds", "md5(n::text)"),
        prefix=CUSTOMER_PREFIX,
        customers=CUSTOMERS,
        count=count,
        first=stage.first_tenant,
        others=MERCHANTS - 1,
        modes=MODES,
    )


def _rows(written: Written, table: str) -> str:
    columns = written.columns(table)
    rows = ", ".join(written.values(table, _NAMES))
    return (
        f"INSERT INTO {table} ({columns}) SELECT made.* FROM filler f "
        f"CROSS JOIN LATERAL (VALUES {rows}) AS made ({columns})"
    )


def _accounts(written: Written) -> str:
    legs = ", ".join(
        f"('{leg.code}', '{leg.currency}', '{leg.normal_side}', {leg.amount})"
        for leg in written.legs
    )
    return (
        "INSERT INTO ledger_accounts (tenant_id, code, currency, normal_side, balance, version, "
        "public_id, created, posted_at, held_debits, held_credits) "
        "SELECT f.tenant, leg.code, leg.currency, leg.normal_side, leg.amount * f.count, f.count, "
        "'la_' || f.tenant || leg.code, f.latest, f.latest, 0, 0 "
        "FROM (SELECT tenant, count(*), max(moment) AS latest FROM filler GROUP BY tenant) f, "
        f"(VALUES {legs}) AS leg (code, currency, normal_side, amount)"
    )


def _entries(written: Written) -> str:
    legs = ", ".join(f"('{leg.code}', '{leg.currency}', {leg.amount})" for leg in written.legs)
    return (
        "INSERT INTO ledger_entries "
        "(tenant_id, account_id, version, transaction_id, amount, balance, posted_at) "
        f"SELECT f.tenant, a.id, f.ordinal, {written.id(written.transaction, _NAMES)}, "
        "leg.amount, leg.amount * f.ordinal, f.moment "
        f"FROM filler f CROSS JOIN (VALUES {legs}) AS leg (code, currency, amount) "
        "JOIN ledger_accounts a ON a.tenant_id = f.tenant "
        "AND a.code = leg.code AND a.currency = leg.currency"
    )
