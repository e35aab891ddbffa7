"""What every request passes on its way in and out: the limits, and the log of requests."""

from __future__ import annotations

from guilder_server.http.auth import Credential
from guilder_server.http.contract import Contract
from guilder_server.http.limits.admission import Admission
from guilder_server.http.limits.crowd import Crowd, Pulse
from guilder_server.http.limits.plans import Limits, PlanLimits
from guilder_server.http.limits.shared import SharedBuckets
from guilder_server.http.limits.strangers import Strangers
from guilder_server.kernel.clock import Clock
from guilder_server.postgres import snapshots
from guilder_server.request_logs.allowed import allowed_of
from guilder_server.request_logs.infra.store import PostgresWriter
from guilder_server.request_logs.recorder import Recorder
from guilder_server.settings import Settings
from guilder_server.usage import Plan, Plans


class Entrance:
    def __init__(self, settings: Settings, clock: Clock, contract: Contract, plans: Plans) -> None:
        self.admission = _admission(settings, RatesOfPlans(settings, plans))
        self.strangers = Strangers(settings.rate_bad_keys)
        self.recorder = _recorder(settings, clock, contract)

    def open(self) -> None:
        self.admission.open()
        self.recorder.start()

    async def close(self) -> None:
        """Once no more requests come. What is to be logged is written."""
        await self.admission.close()
        await self.recorder.close()


class RatesOfPlans:
    """What a caller is allowed by the plan of the account, and by the server where that says
    nothing."""

    def __init__(self, settings: Settings, plans: Plans) -> None:
        self._plans = plans
        self._of = {
            (plan.name, livemode): _limits(settings, plan, livemode)
            for plan in (*plans.by_name.values(), plans.default)
            for livemode in (True, False)
        }

    def of(self, credential: Credential) -> Limits:
        plan = self._plans.of(credential.plan)
        return self._of[plan.name, credential.tenant.livemode]


def _limits(settings: Settings, plan: Plan, livemode: bool) -> Limits:
    said = plan.live_per_s if livemode else plan.test_per_s
    otherwise = settings.rate_live if livemode else settings.rate_test
    at_once = plan.concurrency
    return Limits(
        otherwise if said is None else said,
        settings.requests_per_account if at_once is None else at_once,
    )


def _admission(settings: Settings, plans: PlanLimits) -> Admission:
    processes, url = settings.workers * settings.replicas, settings.redis_url
    shared = SharedBuckets(url, processes) if url is not None else None
    crowd = Crowd(settings.requests_per_process, processes, Pulse())
    return Admission(plans, crowd, processes, shared)


def _recorder(settings: Settings, clock: Clock, contract: Contract) -> Recorder:
    allowed = {
        name: allowed_of(operation.parameters.schema, contract.document)
        for name, operation in contract.operations.items()
    }
    writer = PostgresWriter(settings.required_database_url)
    return Recorder(writer, clock, snapshots.pack, allowed, settings.request_log_sample)
