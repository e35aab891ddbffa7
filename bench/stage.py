"""What is measured: PostgreSQL with full durability on disk, and `guilder serve` upon it."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from guilder_server.capabilities import SCHEMA
from guilder_server.embedded import PostgresServer
from guilder_server.ledger.infra.chaining import PostgresChain
from guilder_server.postgres.migrate import upgrade
from guilder_server.postgres.pool import Pool
from guilder_server.tenancy.bootstrap import open_account
from machine import children, cpu_s, filesystem_of, resident_mb
from written import Written, written_with

MERCHANTS = 1000
SIDES = 2  # test and live, which are made with an account: merchants are every second tenant
CUSTOMERS = 10  # of each merchant, under the same ids: a primary key starts with the tenant
CUSTOMER_PREFIX = "cus_00000000000000000000"
WORKERS = 2
EMPTY, MILLION = "guilder", "million"

SAMPLE_CUSTOMER = {
    "name": "Ada Example",
    "email": "ada@example.com",
    "phone": "+15550100",
    "address[line1]": "1 Example Street",
    "address[city]": "Springfield",
    "address[country]": "US",
    "metadata[user_id]": "81723",
}
# As payments.lua sends them.
SAMPLE_PAYMENT = {
    "amount": "20170",
    "currency": "usd",
    "confirm": "true",
    "payment_method": "pm_card_visa",
    "payment_method_types[0]": "card",
    "metadata[order_id]": "481723",
    "metadata[cart]": "9c1e27a08d3b54f6",
    "metadata[channel]": "ios",
}

_PROGRAM = "import sys; from guilder_server.cli import main; sys.exit(main())"
_BARE = Path(__file__).parent / "bare.py"
_IN_MEMORY = {"tmpfs", "ramfs"}


class Stage:
    """Two databases with the same merchants: one begins empty, one gets a million payments."""

    def __init__(self, postgres: PostgresServer, folder: Path) -> None:
        self.postgres = postgres
        self.folder = folder
        self.keys_file = folder / "keys"
        self._pepper, self._fingerprint_key = secrets.token_hex(32), secrets.token_hex(32)
        self._sealing_key = secrets.token_hex(32)
        self.keys: list[str] = []
        self.first_tenant = 0
        self.written: Written

    def engine(self, database: str, role: str = "guilder") -> sa.Engine:
        url = sa.make_url(self.postgres.url_of(database, role))
        return sa.create_engine(url.set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)

    def tenant(self, merchant: int) -> int:
        """The number of a merchant's tenant in test mode."""
        return self.first_tenant + SIDES * merchant

    def prepare(self) -> None:
        """The schema, the merchants and their customers, and one payment to learn from."""
        upgrade(self.postgres.url)
        with self.engine(EMPTY).begin() as connection:
            pepper = self._pepper.encode()
            *opened, sample = [open_account(connection, pepper) for _ in range(MERCHANTS + 1)]
        self.first_tenant = opened[0].tenant_id
        tenants = [account.tenant_id for account in opened]
        last = self.tenant(MERCHANTS - 1)
        assert tenants == list(range(tenants[0], last + 1, SIDES)), "tenants have gaps"
        self.keys = [account.secret_key for account in opened]
        self.keys_file.write_text("".join(f"{key}\n" for key in self.keys), encoding="ascii")
        self.keys_file.chmod(0o600)
        with self.serving(EMPTY) as serving:
            customer = post(serving.url, sample.secret_key, "/v1/customers", SAMPLE_CUSTOMER)
            payment = SAMPLE_PAYMENT | {"customer": customer}
            # The first opens the merchant's ledger accounts; the second is like all that follow.
            post(serving.url, sample.secret_key, "/v1/payment_intents", payment)
            paid = post(serving.url, sample.secret_key, "/v1/payment_intents", payment)
        with self.engine(EMPTY).begin() as connection:
            self.written = written_with(connection, paid)
            _add_customers(connection, customer)
        self._execute_alone(f"CREATE DATABASE {MILLION} TEMPLATE {EMPTY} OWNER guilder")

    def _execute_alone(self, statement: str) -> None:
        engine = self.engine("postgres", "postgres").execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def cpu_s(self) -> float:
        """What PostgreSQL has used of the processors."""
        return cpu_s(self.postgres.pid)

    def chain(self, database: str) -> None:
        """What the worker does with what was posted: it gets its place in the chain."""

        async def extend() -> None:
            pool = Pool(self.postgres.url_of(database))
            await pool.open()
            await PostgresChain(pool).extend()
            await pool.close()

        asyncio.run(extend())

    def verify(self, database: str) -> str:
        """What `guilder ledger verify` says."""
        environment = {**os.environ, "GUILDER_DATABASE_URL": self.postgres.url_of(database)}
        command = [sys.executable, "-c", _PROGRAM, "ledger", "verify"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench: the ledger is not sound\n{done.stdout}{done.stderr}")
        return done.stdout

    def checkpoint(self) -> None:
        self._execute_alone("CHECKPOINT")

    @contextmanager
    def without_autovacuum(self) -> Iterator[None]:
        """For what is compared in turns of seconds: it takes half of a processor for some of them,
        once a minute, whoever's turn it is."""
        self._autovacuum("off")
        try:
            yield
        finally:
            self._autovacuum("on")

    def analyze(self, database: str) -> None:
        """As autovacuum would have: plans that were made while tables were small are made anew."""
        with self.engine(database, "postgres").begin() as connection:
            connection.exec_driver_sql("ANALYZE")

    def _autovacuum(self, state: str) -> None:
        self._execute_alone(f"ALTER SYSTEM SET autovacuum = {state}")
        self._execute_alone("SELECT pg_reload_conf()")

    @contextmanager
    def serving(self, database: str, *, bare: bool = False, **settings: str) -> Iterator[Serving]:
        """`guilder serve` on one of the databases, for as long as the context lasts; or the same
        without what keeps callers apart."""
        port = free_port()
        where = {"GUILDER_PORT": str(port), "GUILDER_WORKERS": str(WORKERS)}
        command = [str(_BARE)] if bare else ["-c", _PROGRAM, "serve"]
        with self._running(database, command, where | settings) as process:
            serving = Serving(process, f"http://127.0.0.1:{port}")
            serving.wait()
            yield serving

    @contextmanager
    def working(self, database: str, **settings: str) -> Iterator[int]:
        """`guilder worker` on one of the databases; its process id."""
        with self._running(database, ["-c", _PROGRAM, "worker"], settings) as process:
            yield process.pid

    @contextmanager
    def _running(
        self, database: str, command: list[str], settings: dict[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GUILDER_")}
        ours = {
            "GUILDER_DATABASE_URL": self.postgres.url_of(database),
            "GUILDER_KEY_PEPPER": self._pepper,
            "GUILDER_FINGERPRINT_KEY": self._fingerprint_key,
            "GUILDER_SEALING_KEY": self._sealing_key,
            "GUILDER_LOG_LEVEL": "warning",
            # One machine asks for more than a key may; what limits cost is measured by itself.
            "GUILDER_RATE_TEST": "0",
            "GUILDER_REQUESTS_PER_ACCOUNT": "0",
        }
        process = subprocess.Popen(
            [sys.executable, *command],
            env=inherited | ours | settings,
            stdout=subprocess.DEVNULL,
            # A Ctrl-C in the terminal is for us; we stop what we started when we are done.
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


class Serving:
    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self.url = url

    def wait(self, timeout_s: float = 30) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                    return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("bench: the server does not start") from None
                time.sleep(0.05)

    def workers_mb(self) -> float:
        return sum(map(resident_mb, children(self._process.pid)))

    def largest_worker_mb(self) -> float:
        return max(map(resident_mb, children(self._process.pid)))

    def cpu_s(self) -> float:
        return cpu_s(self._process.pid)


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """A database on a disk, in a folder that is gone afterwards."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_suffix(".lock")):
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
        folder.mkdir(mode=0o700)
        postgres = PostgresServer(folder / "postgres")
        try:
            if filesystem_of(folder) in _IN_MEMORY:
                raise SystemExit(f"bench: {folder} is kept in memory; name a disk with --folder")
            stage = Stage(postgres.start(), folder)
            stage.prepare()
            yield stage
        finally:
            postgres.stop()
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two benchmarks at the same time would measure each other."""
    with path.open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("bench: another benchmark is at work here") from None
        yield


def _add_customers(connection: sa.Connection, sample: str) -> None:
    """Copies of a customer that the application made, ten to a merchant."""
    names = [
        c.name
        for c in SCHEMA.tables["customers"].columns
        if c.name not in ("tenant_id", "id") and c.computed is None
    ]
    others = ", ".join(names)
    connection.execute(
        sa.text(
            f"INSERT INTO customers (tenant_id, id, {others}) "
            f"SELECT t.id, :prefix || lpad(n::text, 4, '0'), {others} "
            "FROM customers c, tenants t, generate_series(1, :customers) n "
            "WHERE c.id = :sample AND NOT t.livemode"
        ),
        {"prefix": CUSTOMER_PREFIX, "customers": CUSTOMERS, "sample": sample},
    )


def post(url: str, key: str, path: str, fields: dict[str, str]) -> str:
    """The id of what was made."""
    request = urllib.request.Request(
        url + path,
        data=urllib.parse.urlencode(fields).encode(),
        headers={"authorization": f"Bearer {key}", "idempotency-key": str(uuid.uuid4())},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        made: str = json.load(answer)["id"]
    return made
