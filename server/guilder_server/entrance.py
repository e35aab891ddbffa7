"""What every request passes on its way in and out: the limits, and the log of requests."""

from __future__ import annotations

from guilder_server.http.contract import Contract
from guilder_server.http.limits.admission import Admission
from guilder_server.http.limits.crowd import Crowd, Pulse
from guilder_server.http.limits.plans import Limits, OnePlan, PlanLimits
from guilder_server.http.limits.shared import SharedBuckets
from guilder_server.http.limits.strangers import Strangers
from guilder_server.kernel.clock import Clock
from guilder_server.postgres import snapshots
from guilder_server.request_logs.allowed import allowed_of
from guilder_server.request_logs.infra.store import PostgresWriter
from guilder_server.request_logs.recorder import Recorder
from guilder_server.settings import Settings


class Entrance:
    """`plans` says what each caller is allowed; without it, all of a mode are allowed the same."""

    def __init__(
        self, settings: Settings, clock: Clock, contract: Contract, plans: PlanLimits | None = None
    ) -> None:
        self.admission = _admission(settings, plans or _one_plan(settings))
        self.strangers = Strangers(settings.rate_bad_keys)
        self.recorder = _recorder(settings, clock, contract)

    def open(self) -> None:
        self.admission.open()
        self.recorder.start()

    async def close(self) -> None:
        """Once no more requests come. What is to be logged is written."""
        await self.admission.close()
        await self.recorder.close()


def _one_plan(settings: Settings) -> PlanLimits:
    at_once = settings.requests_per_account
    return OnePlan(Limits(settings.rate_live, at_once), Limits(settings.rate_test, at_once))


def _admission(settings: Settings, plans: PlanLimits) -> Admission:
    processes = settings.workers * settings.replicas
    shared = SharedBuckets(settings.redis_url) if settings.redis_url is not None else None
    crowd = Crowd(settings.requests_per_process, processes, Pulse())
    return Admission(plans, crowd, processes, shared)


def _recorder(settings: Settings, clock: Clock, contract: Contract) -> Recorder:
    allowed = {
        name: allowed_of(operation.parameters.schema, contract.document)
        for name, operation in contract.operations.items()
    }
    writer = PostgresWriter(settings.required_database_url)
    return Recorder(writer, clock, snapshots.pack, allowed, settings.request_log_sample)
