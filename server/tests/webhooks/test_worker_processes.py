"""Workers as their users start them: processes that are stopped, killed, and more than one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.api import Api
from tests.support.local_program import Answer, LocalProgram, Received
from tests.support.postgres import TestDatabases
from tests.support.processes import eventually
from tests.support.served import Served, free_port
from tests.support.working import Working

LOOPBACK = {"GUILDER_WEBHOOK_LOOPBACK": "on", "GUILDER_LOG_LEVEL": "info"}


@pytest.fixture(scope="module")
def served(postgres: TestDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Nobody answers where it looks for Redis."""
    log = tmp_path_factory.mktemp("webhooks") / "log"
    settings = {**LOOPBACK, "GUILDER_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    with postgres.database() as url, Served(url, log, settings=settings) as server:
        yield server


@pytest.fixture
def api(served: Served) -> Iterator[Api]:
    client = served.api()
    yield client
    client.close()


def endpoint(api: Api, url: str) -> Any:
    return api.post("/v1/webhook_endpoints", url=url, enabled_events=["customer.created"])


def customers(api: Api, count: int) -> set[str]:
    """The ids of the events that so many new customers bring."""
    for number in range(count):
        api.post("/v1/customers", name=str(number))
    return {event["id"] for event in api.get("/v1/events", limit=count)["data"]}


def statuses(api: Api, to: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in api.get(f"/v1/webhook_endpoints/{to['id']}/deliveries", limit=100)["data"]:
        found[each["status"]] = found.get(each["status"], 0) + 1
    return found


def ids(program: LocalProgram) -> list[str]:
    return [received.headers["webhook-id"] for received in program.received]


def test_without_redis_events_arrive_by_the_timer(served: Served, api: Api, tmp_path: Path) -> None:
    with LocalProgram() as program, Working(served, tmp_path / "log") as worker:
        to = endpoint(api, program.url)
        events = customers(api, 3)
        assert eventually(lambda: set(ids(program)) == events), worker.last_words()
        assert eventually(lambda: statuses(api, to) == {"delivered": 3})
        assert worker.stop() == 0
    assert sorted(ids(program)) == sorted(events)


def test_a_worker_that_is_told_to_stop_lets_what_it_began_end_and_writes_it_down(
    served: Served, api: Api, tmp_path: Path
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def answered(_: Received) -> Answer:
        begun.set()
        go_on.wait(60)
        return 200, {}, b"at last"

    with LocalProgram(answered) as program, Working(served, tmp_path / "log") as worker:
        to = endpoint(api, program.url)
        customers(api, 1)
        assert begun.wait(60), worker.last_words()
        threading.Timer(0.7, go_on.set).start()
        began = time.monotonic()
        assert worker.stop() == 0
        assert 0.5 < time.monotonic() - began < 10
        assert statuses(api, to) == {"delivered": 1}
        (delivery,) = api.get(f"/v1/webhook_endpoints/{to['id']}/deliveries")["data"]
        assert [one["response_excerpt"] for one in delivery["attempts"]] == ["at last"]


def test_after_a_kill_everything_arrives_under_its_own_id(
    served: Served, api: Api, tmp_path: Path
) -> None:
    slowly = threading.Event()

    def answered(_: Received) -> Answer:
        if not slowly.is_set():
            time.sleep(0.1)
        return 200, {}, b""

    with LocalProgram(answered) as program, Working(served, tmp_path / "log") as worker:
        to = endpoint(api, program.url)
        events = customers(api, 60)
        for received in (8, 16):
            assert eventually(lambda so_far=received: len(program.received) >= so_far)
            worker.kill()
            worker.start()
        slowly.set()
        assert eventually(lambda: set(ids(program)) == events, 20), worker.last_words()
        assert eventually(lambda: statuses(api, to) == {"delivered": 60})
    # What was under way when it was killed came twice, and nothing else.
    assert len(ids(program)) <= len(events) + 2 * 16
    bodies = {(each.headers["webhook-id"], each.event["created"]) for each in program.received}
    assert len(bodies) == 60


def test_two_workers_share_the_work_and_send_nothing_twice(
    served: Served, api: Api, tmp_path: Path
) -> None:
    with (
        LocalProgram() as program,
        Working(served, tmp_path / "one") as first,
        Working(served, tmp_path / "two"),
    ):
        to = [endpoint(api, f"{program.base}/{number}") for number in range(6)]
        customers(api, 15)
        assert eventually(lambda: len(program.received) == 90, 20), first.last_words()
        # Once it is written down as well: a kill in between would send it twice.
        assert all(eventually(lambda e=each: statuses(api, e) == {"delivered": 15}) for each in to)
        first.kill()
        customers(api, 5)
        # The other takes over what the first one held.
        assert eventually(lambda: len(program.received) == 120, 20)
        assert all(eventually(lambda e=each: statuses(api, e) == {"delivered": 20}) for each in to)
    arrived = [(each.path, each.headers["webhook-id"]) for each in program.received]
    assert len(set(arrived)) == len(arrived) == 120


def test_the_events_of_one_account_do_not_hold_up_those_of_another(
    served: Served, api: Api, tmp_path: Path
) -> None:
    other = served.api()

    def answered(_: Received) -> Answer:
        time.sleep(0.02)
        return 200, {}, b""

    with LocalProgram(answered) as busy, LocalProgram() as quiet:
        to = endpoint(api, busy.url)
        customers(api, 1)
        with psycopg.connect(served.database_url) as connection:
            connection.execute(
                """
                INSERT INTO webhook_deliveries SELECT tenant_id, 'whd_' || n, 1, created, event_id,
                    event_type, endpoint_id, 'pending', 0, created - interval '1 hour', '[]'
                FROM webhook_deliveries CROSS JOIN generate_series(1, 3000) n WHERE endpoint_id = %s
                """,
                [to["id"]],
            )
        with Working(served, tmp_path / "log"):
            assert eventually(lambda: len(busy.received) > 20)
            endpoint(other, quiet.url)
            began = time.monotonic()
            other.post("/v1/customers", name="Ada")
            assert eventually(lambda: len(quiet.received) == 1)
            # The timer's second, and something for a machine that is busy.
            assert time.monotonic() - began < 3
            assert len(busy.received) < 2000
    other.close()
    # What is left must not occupy the workers of other tests.
    api.delete(f"/v1/webhook_endpoints/{to['id']}")
