"""What every capability stands on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from guilder_server.audit.domain.touching import touched
from guilder_server.audit.infra.log import audit_log
from guilder_server.capabilities import MAPPINGS, PORTRAITS
from guilder_server.events.infra.log import EventLog
from guilder_server.gateways import Attempt
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.clock import Clock
from guilder_server.kernel.ids import Ids
from guilder_server.kernel.tenant import Tenant
from guilder_server.ledger.infra.poster import poster
from guilder_server.payments.domain.charges import Charge
from guilder_server.postgres.committer import Committer, PartMaker
from guilder_server.postgres.keys import KEY_LOOKUP, KeyRecord, Keys
from guilder_server.postgres.pool import Pool
from guilder_server.postgres.reads import MergedReads
from guilder_server.postgres.seals import Seals
from guilder_server.queue.wakeups import Bell
from guilder_server.settings import Settings
from guilder_server.tenancy.infra.openings import sides
from guilder_server.usage import plans_in
from guilder_server.usage.calls import Calls
from guilder_server.usage.domain.metering import Metered, Metering
from guilder_server.usage.infra.counting import counting
from guilder_server.usage.infra.spent import Spent
from guilder_server.wallets import Wallet
from guilder_server.webhooks.domain.delivery import Delivery
from guilder_server.webhooks.domain.endpoint import Endpoint
from guilder_server.webhooks.domain.replay import Replay
from guilder_server.webhooks.infra.fanout import FanOut

# What usage counts.
_METERED = Metered(attempt=Attempt, charge=Charge, wallet=Wallet, endpoint=Endpoint)


class Ground:
    """What every capability stands on."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings, self.clock = settings, clock
        self.ids = Ids(clock)
        self.pool = Pool(settings.required_database_url)
        self.reads = MergedReads(self.pool)
        self.bell = Bell(settings.redis_url)
        self.plans, self.spent = plans_in(settings.plans), Spent()
        both_sides = sides(partial(touched, PORTRAITS), self.ids)
        parts = [Keys, MAPPINGS.part(), both_sides, poster(clock), *self.counts()]
        parts += [EventLog, FanOut, audit_log(PORTRAITS, self.ids)]
        self.committer = Committer(self.pool, parts, self._wake_the_worker)
        self.calls = Calls(self.spent, self.committer)
        self.seals = Seals(settings.sealing_key)
        # Secrets stand for one purpose each; this one also seals idempotency fingerprints.
        self.secret = settings.fingerprint_key.encode()

    def counts(self) -> Sequence[PartMaker]:
        """What is counted in each commit, and refused there."""
        return [counting(self.plans, Metering(_METERED), self.clock, self.spent)]

    def _wake_the_worker(self, sets: Sequence[Changes]) -> None:
        if any(changes.events or changes.concerns(Delivery, Replay) for changes in sets):
            self.bell.ring()

    async def key(self, tenant: Tenant, key: str) -> KeyRecord | None:
        return await self.reads.one(KEY_LOOKUP, tenant.id, key)
