"""The limit: how many such payments this PostgreSQL takes when nothing but itself is in the way.

One call of one function is one payment in one transaction: the rows that the application wrote
for its own, new ids, the balances moved under their locks. pgbench calls it from C over local
sockets with prepared statements, and PostgreSQL groups the commits of its clients.
"""

from __future__ import annotations

import re
import subprocess
from urllib.parse import parse_qs, urlsplit

from guilder_server.embedded.binaries import postgres_environment, postgres_program
from stage import CUSTOMER_PREFIX, CUSTOMERS, EMPTY, MERCHANTS, MODES, Stage
from written import MICROSECONDS, Names, Written, stem

CLIENT_COUNTS = (4, 8, 16, 32)
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_FAILED = re.compile(r"number of failed transactions: (\d+)")

_NAMES = Names(tenant="tenant", customer="customer", moment="moment", stem="stem")


def function(written: Written) -> str:
    """CREATE FUNCTION bench_payment(tenant, customer number)."""
    inserts = "".join(
        f"  INSERT INTO {table} ({written.columns(table)}) VALUES\n    "
        + ",\n    ".join(written.values(table, _NAMES))
        + ";\n"
        for table in written.rows
    )
    legs = ", ".join(f"('{leg.code}', '{leg.currency}', {leg.amount})" for leg in written.legs)
    return f"""
CREATE OR REPLACE FUNCTION bench_payment(tenant bigint, number int) RETURNS void
LANGUAGE plpgsql AS $payment$
DECLARE
  moment timestamptz := clock_timestamp();
  microseconds bigint := {MICROSECONDS.format(moment="moment")};
  stem text := {stem("microseconds", "md5(random()::text)")};
  customer text := '{CUSTOMER_PREFIX}' || lpad(number::text, 4, '0');
BEGIN
{inserts}
  WITH moved AS (
    UPDATE ledger_accounts a SET balance = a.balance + leg.amount, version = a.version + 1,
        posted_at = moment
    FROM (VALUES {legs}) AS leg (code, currency, amount)
    WHERE a.tenant_id = tenant AND a.code = leg.code AND a.currency = leg.currency
    RETURNING a.id, a.version, a.balance, leg.amount
  )
  INSERT INTO ledger_entries
    (tenant_id, account_id, version, transaction_id, amount, balance, posted_at)
  SELECT tenant, id, version, {written.id(written.transaction, _NAMES)}, amount, balance, moment
  FROM moved;
END $payment$
"""


class Limit:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._script = stage.folder / "payment.sql"
        self._script.write_text(
            f"\\set tenant {stage.first_tenant} + {MODES} * random(0, {MERCHANTS - 1})\n"
            f"\\set customer random(1, {CUSTOMERS})\n"
            "SELECT bench_payment(:tenant, :customer);\n",
            encoding="ascii",
        )
        with stage.engine(EMPTY).begin() as connection:
            connection.exec_driver_sql(function(stage.written).replace("%", "%%"))
            # Every merchant has been paid before.
            connection.exec_driver_sql(_ACCOUNTS)

    def payments_per_s(self, clients: int, seconds: int) -> float:
        url = urlsplit(self._stage.postgres.url_of(EMPTY))
        done = subprocess.run(
            [
                str(postgres_program("pgbench")),
                *("-h", parse_qs(url.query)["host"][0], "-U", str(url.username)),
                *("-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds)),
                *("-f", str(self._script), EMPTY),
            ],
            env=postgres_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        found, failed = _TPS.search(done.stdout), _FAILED.search(done.stdout)
        if done.returncode != 0 or found is None or failed is None or failed.group(1) != "0":
            raise SystemExit(f"bench: pgbench failed\n{done.stdout}{done.stderr}")
        return float(found.group(1))


_ACCOUNTS = """
INSERT INTO ledger_accounts (tenant_id, code, currency, normal_side, floor, balance, version,
    public_id, created, posted_at, held_debits, held_credits)
SELECT t.id, a.code, a.currency, a.normal_side, a.floor, 0, 0, 'la_' || t.id || a.code, now(),
    now(), 0, 0
FROM tenants t, ledger_accounts a
ON CONFLICT (tenant_id, code, currency) DO NOTHING
"""
