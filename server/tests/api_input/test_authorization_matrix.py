"""Every operation, for everybody who may call, on an object of their own, one of another account
and one that does not exist: each answer as the contract declares it.

Whoever is refused is answered the same bytes whatever they asked for. Whoever is let in finds an
object of another account exactly as absent as one that never was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api_input.test_other_tenants import absent
from tests.support.api import Answer, Api, ApiServer, new_account
from tests.support.callers import LET_IN, Caller, Crowd, Verdict, bearer
from tests.support.contract import OF_OPERATOR, OPERATIONS, Operation
from tests.support.world import World, populate

ALL = [*OPERATIONS.values(), *OF_OPERATOR.values()]
named = pytest.mark.parametrize("operation", ALL, ids=lambda one: one.id)
UNASKED = {"no_such_parameter": "x"}
# The people of an account are those of both its sides.
OF_BOTH_SIDES = {"invitation", "session", "user"}
NAMING = [one for one in OPERATIONS.values() if one.path_parameters]


@pytest.fixture(scope="module")
def foreign(api_server: ApiServer) -> World:
    return populate(Api(api_server.url, api_server.open_account()), api_server.database_url)


@pytest.fixture(scope="module")
def crowd(api_server: ApiServer, world: World) -> Crowd:
    return Crowd(api_server, world)


@pytest.fixture(scope="module")
def client(world: World) -> Any:
    with httpx.Client(base_url=world.api.url, verify=False) as found:
        yield found


class Desk:
    """Asks one operation for objects of all three kinds."""

    def __init__(
        self, client: httpx.Client, world: World, foreign: World, operation: Operation
    ) -> None:
        self._client, self._world, self._operation = client, world, operation
        self.own, self.foreign = _path(world, operation), _path(foreign, operation)
        self.absent = "/".join(
            mine if mine == theirs else absent(theirs)
            for mine, theirs in zip(operation.path.split("/"), self.foreign.split("/"), strict=True)
        )

    def ask(self, caller: Caller, path: str, params: dict[str, Any] | None = None) -> Answer:
        sent = self._world.params(self._operation) if params is None else params
        return self._world.api.asked(
            self._client, self._operation.method, path, sent, dict(caller.headers)
        )


def _path(world: World, operation: Operation) -> str:
    if operation.id not in OF_OPERATOR:
        return world.path(operation)
    ids = {"account": world.api.account.account, "key": world.ids["api_key"]}
    return operation.path.format_map({"organization": "org_of_nobody"} | ids)


def seen(answer: Answer, path: str, operation: Operation) -> tuple[int, str, set[str]]:
    """What a caller can tell of an answer, but for what they asked for."""
    content = answer.content.decode()
    for mine, shown in zip(operation.path.split("/"), path.split("/"), strict=True):
        if mine != shown:
            content = content.replace(shown, "…")
    return answer.status, content, {name for name in answer.headers if name != "date"}


def wrong(answer: Answer, verdict: Verdict) -> str | None:
    """In what a refusal is not as it was declared."""
    error = answer.error
    said = Verdict(answer.status, error.get("code"), verdict.names)
    if said != verdict:
        return f"{said} instead of {verdict}"
    if f"'{verdict.names}'" not in error["message"] and verdict.names:
        return f"does not name {verdict.names}: {error['message']}"
    return None


@named
@pytest.mark.usefixtures("unchanged")
def test_every_cell_is_as_declared(
    world: World,
    foreign: World,
    client: httpx.Client,
    crowd: Crowd,
    operation: Operation,
) -> None:
    desk = Desk(client, world, foreign, operation)
    problems = [
        f"{caller.name}: {problem}"
        for caller in crowd.callers_of(operation)
        for problem in (
            let_in(desk, caller, operation)
            if caller.verdict(operation) == LET_IN
            else refused(desk, caller, operation)
        )
    ]
    assert problems == []


def refused(desk: Desk, caller: Caller, operation: Operation) -> list[str]:
    answers = [desk.ask(caller, path) for path in (desk.own, desk.foreign, desk.absent)]
    answers.append(desk.ask(caller, desk.own, UNASKED))
    problem = wrong(answers[0], caller.verdict(operation))
    problems = [] if problem is None else [problem]
    if len({(answer.status, answer.content) for answer in answers}) > 1:
        problems.append("a refusal tells objects apart")
    return problems


def let_in(desk: Desk, caller: Caller, operation: Operation) -> list[str]:
    # What has got this far was let in; and nothing happens to the object.
    own = desk.ask(caller, desk.own, UNASKED)
    problems = []
    if own.status != 400 or own.error.get("code") != "parameter_unknown":
        problems.append(f"not let in: {own.status} {own.error}")
    # To the operator all accounts are their own.
    if desk.own != desk.foreign and operation.id not in OF_OPERATOR:
        theirs = seen(desk.ask(caller, desk.foreign), desk.foreign, operation)
        nobodys = seen(desk.ask(caller, desk.absent), desk.absent, operation)
        if theirs != nobodys:
            problems.append(f"{theirs} of another account, {nobodys} of nobody")
        if theirs[0] not in (400, 404):
            problems.append(f"an object of another account was answered {theirs[0]}")
    return problems


@pytest.fixture(scope="module")
def live(api_server: ApiServer, world: World) -> Iterator[tuple[httpx.Client, Caller]]:
    """A server that lets live keys in, and such a key of the account."""
    server = ApiServer(api_server.database_url, mode="live")
    server.start()
    account = new_account(api_server.database_url, livemode=True, account=world.api.account.account)
    with httpx.Client(base_url=server.url, verify=False) as client:
        yield client, Caller("a live key", bearer(account.secret_key), lambda _: LET_IN)
    server.stop()


@pytest.mark.parametrize(
    "operation",
    [one for one in NAMING if not OF_BOTH_SIDES & set(one.path_parameters)],
    ids=lambda one: one.id,
)
@pytest.mark.usefixtures("unchanged")
def test_a_live_key_finds_nothing_of_the_test_side_of_its_own_account(
    world: World, live: tuple[httpx.Client, Caller], operation: Operation
) -> None:
    client, caller = live
    desk = Desk(client, world, world, operation)
    theirs, nobodys = (
        seen(desk.ask(caller, path), path, operation) for path in (desk.foreign, desk.absent)
    )
    assert theirs == nobodys
    assert theirs[0] in (400, 404)


@pytest.mark.parametrize(
    "operation",
    [one for one in NAMING if OF_BOTH_SIDES & set(one.path_parameters) and one.method == "GET"],
    ids=lambda one: one.id,
)
def test_a_live_key_finds_the_people_of_its_account(
    world: World, live: tuple[httpx.Client, Caller], operation: Operation
) -> None:
    client, caller = live
    desk = Desk(client, world, world, operation)
    mine = world.api.send("GET", desk.own, {})
    theirs = desk.ask(caller, desk.own)
    assert (mine.status, theirs.status) == (200, 200)
    assert mine.body == theirs.body
