"""The application behind HTTP, and what it does beside answering."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from starlette.routing import Route

from guilder_server.composition.answers import make_executor
from guilder_server.composition.ground import Ground
from guilder_server.composition.house import House, MakeGateways, public_url
from guilder_server.entrance import Entrance
from guilder_server.events import API_VERSION
from guilder_server.gateways.infra.sandbox import Sandbox
from guilder_server.http.app import App
from guilder_server.http.auth import Credential, Keyring
from guilder_server.http.contract import Contract
from guilder_server.http.execute import Executor
from guilder_server.http.origin import Origins, networks
from guilder_server.kernel.clock import Clock
from guilder_server.ledger.jobs import LedgerJobs
from guilder_server.oauth.api import KeysAndTokens
from guilder_server.payments.jobs import PaymentJobs
from guilder_server.payments.sandbox_page import SandboxPage
from guilder_server.payouts.jobs import PayoutJobs
from guilder_server.people.api import (
    PersonCredentials,
)
from guilder_server.people.jobs import PeopleJobs
from guilder_server.people.pages import Browser, Pages
from guilder_server.postgres.committer import Committer
from guilder_server.postgres.keys import prune_keys
from guilder_server.postgres.pool import Pool
from guilder_server.queue.sweeps import Sweep, Sweeper
from guilder_server.queue.wakeups import Bell
from guilder_server.settings import Settings
from guilder_server.tenancy import RENEWED_EVERY_S
from guilder_server.tenancy.api import Credentials, noting
from guilder_server.tenancy.flows.uses import Uses
from guilder_server.tenancy.operator_api import WithOperator
from guilder_server.usage.calls import Calls
from guilder_server.usage.flows.telling import Telling
from guilder_server.usage.jobs import UsageJobs
from guilder_server.wallets.jobs import WalletJobs
from guilder_server.webhooks.infra.sender import Sender


@dataclass(frozen=True, slots=True)
class Server:
    """The application with what must be opened before and closed after it."""

    app: App
    pool: Pool
    committer: Committer
    executor: Executor
    sweeper: Sweeper
    bell: Bell
    network: Sender
    pages: Sequence[Route]
    calls: Calls
    uses: Uses
    entrance: Entrance

    async def open(self) -> None:
        await self.pool.open()
        self.entrance.open()
        await self.network.open()
        self.sweeper.start()

    async def close(self) -> None:
        """First no new work, then what is under way, then the connections under it."""
        await self.sweeper.stop()
        await self.uses.finish()
        await self.executor.drain()
        await self.calls.flush()
        await self.committer.close()
        await self.entrance.close()
        await self.bell.close()
        await self.network.close()
        await self.pool.close()


def compose(settings: Settings, clock: Clock, make_gateways: MakeGateways) -> Server:
    ground = Ground(settings, clock)
    house = House(ground, make_gateways)
    keyring = KeysAndTokens(Credentials(house.keyring), house.oauth.bearers)
    return assemble(ground, house, WithOperator(keyring, settings.operator_key), noting(house.uses))


def assemble(
    ground: Ground, house: House, keyring: Keyring, used: Callable[[Credential], None]
) -> Server:
    """`keyring` knows who is let in with a key, and `used` hears of each time."""
    settings, clock = ground.settings, ground.clock
    contract = Contract.load()
    executor = make_executor(ground, house, contract)
    origins = Origins(networks(settings.trusted_proxies or ""))
    browser = Browser(public_url(settings), settings.key_pepper.encode(), origins)
    entrance = Entrance(settings, clock, contract, ground.plans)
    app = App(
        router=contract.bind(house.apis(contract.roles)),
        keyring=keyring,
        executor=executor,
        ids=ground.ids,
        api_version=API_VERSION,
        server_version=version("guilder"),
        origins=origins,
        sessions=PersonCredentials(
            house.people.sessions,
            contract.roles,
            cookie=browser.session_cookie,
            origin=browser.origin,
            livemode_allowed=settings.livemode_allowed,
        ),
        used=used,
        admission=entrance.admission,
        strangers=entrance.strangers,
        recorder=entrance.recorder,
    )
    # Whoever has a gateway with real cards has no use for a page that plays their bank.
    sandbox = house.default_gateway == Sandbox.name
    pages = SandboxPage(house.tools, executor).routes() if sandbox else []
    pages += house.oauth.endpoints(origins, settings.client_cert_header).routes()
    pages += Pages(browser, house.people, entrance.strangers).routes()
    sweeper = _sweeper(ground, house, executor)
    return Server(
        app,
        ground.pool,
        ground.committer,
        executor,
        sweeper,
        ground.bell,
        house.network,
        pages,
        ground.calls,
        house.uses,
        entrance,
    )


def _sweeper(ground: Ground, house: House, executor: Executor) -> Sweeper:
    ledger_jobs = LedgerJobs(house.books, house.holds, executor, ground.clock)
    wallet_jobs = WalletJobs(house.purses, house.wallet_holds, executor, ground.clock)
    jobs = PaymentJobs(house.tools, executor, ground.committer.commit)
    payout_jobs = PayoutJobs(house.payout_tools, executor, ground.committer.commit)

    people_jobs = PeopleJobs(house.people.tools.store, ground.clock)
    telling = Telling(ground.plans, ground.ids, ground.clock)
    usage_jobs = UsageJobs(house.usage_store, telling, executor)

    async def forget_keys() -> int:
        return await prune_keys(ground.pool, ground.clock.now())

    async def renew_credentials() -> int:
        both = house.keyring.renew(), house.oauth.bearers.renew()
        return sum(await asyncio.gather(*both))

    return Sweeper(
        [
            Sweep("resolve_attempts", jobs.resolve_attempts, every_s=2),
            Sweep("resolve_payouts", payout_jobs.resolve_attempts, every_s=2),
            Sweep("settle_payouts", payout_jobs.settle, every_s=1),
            Sweep("expire_holds", jobs.expire_holds, every_s=30),
            Sweep("expire_ledger_holds", ledger_jobs.expire_holds, every_s=2),
            Sweep("expire_wallet_holds", wallet_jobs.expire_holds, every_s=2),
            Sweep("note_uses", house.uses.write, every_s=5),
            Sweep("renew_credentials", renew_credentials, every_s=RENEWED_EVERY_S),
            Sweep("prune_keys", forget_keys, every_s=3600),
            Sweep("forget_people", people_jobs.forget, every_s=3600),
            Sweep("count_calls", ground.calls.flush, every_s=1),
            Sweep("tell_of_quotas", usage_jobs.tell, every_s=1),
        ]
    )
