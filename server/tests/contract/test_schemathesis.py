"""Requests that Schemathesis makes up from the contract, right and wrong ones: none is answered
with a fault, and every answer is one that the contract promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import settings
from schemathesis import checks
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from stripe._encode import _api_encode

from guilder_server.webhooks.infra import names
from tests.support.seeded import SeededApp, seeded_contract

FORM = "application/x-www-form-urlencoded"
# `make campaign` looks further.
CAMPAIGN = settings.default is not None and settings.default.max_examples > 100
EXAMPLES = settings(max_examples=300 if CAMPAIGN else 10)

APP = SeededApp()
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]


def made_from_contract(mode: str, *, coverage: bool = True) -> Any:
    # What is too long for a URL is answered 414, and what is no JSON 415; a key has no sessions.
    refusals = [400, 403, 404, 405, 413, 414, 415]
    config = SchemathesisConfig.from_dict(
        {
            "generation": {"mode": mode, "with-security-parameters": False},
            "phases": {"coverage": {"enabled": coverage}},
            "checks": {"negative_data_rejection": {"expected-statuses": refusals}},
        }
    )
    contract = seeded_contract(sensible=mode == "positive")
    schema = schemathesis.openapi.from_dict(contract, config=config)
    schema.app = APP
    return schema


RIGHT = made_from_contract("positive")
# Every boundary was tried in JSON; a form is another way of saying the same.
FORMS = made_from_contract("positive", coverage=False)
WRONG = made_from_contract("negative")


def no_such_name(host: str, port: int) -> list[Any]:
    raise OSError(f"nobody is asked for {host}:{port}")


@pytest.fixture(scope="module", autouse=True)
def _app(postgres: Any) -> Iterator[None]:
    """Nothing leaves this machine: no worker runs, and no name server is asked."""
    with postgres.database() as url, pytest.MonkeyPatch.context() as patched:
        patched.setattr(names, "_look_up", no_such_name)
        APP.open(url)
        yield
        APP.close()


def hold_to_contract(case: Any, **how: Any) -> None:
    headers = {"Authorization": f"Bearer {APP.key}"} | how.pop("headers", {})
    case.validate_response(case.call(headers=headers, **how), checks=CHECKS)


def every_operation(schema: Any) -> Callable[[Callable[[Any], None]], Callable[[str], None]]:
    """One test for each operation of the schema, whose cases are made when it runs.

    Schemathesis' own `parametrize` makes them while tests are collected, in each process of a
    parallel run all of them anew: a third of what they cost.
    """
    labels = [found.ok().label for found in schema.get_all_operations()]
    feedback = FeedbackSources(constants_value_source=make_constants_value_source(schema))

    def decorate(test: Callable[[Any], None]) -> Callable[[str], None]:
        @pytest.mark.parametrize("label", labels)
        def with_its_cases(label: str) -> None:
            operation = schema.find_operation_by_label(label)
            build_operation_test(
                config=schema.config,
                operation=operation,
                test_func=test,
                given_kwargs={},
                feedback=feedback,
            )()

        return with_its_cases

    return decorate


@every_operation(RIGHT)
@EXAMPLES
def test_what_is_said_in_json_is_answered_as_the_contract_says(case: Any) -> None:
    hold_to_contract(case)


@every_operation(FORMS.include(method="POST"))
@EXAMPLES
def test_what_is_said_in_a_form_is_answered_as_the_contract_says(case: Any) -> None:
    if not isinstance(case.body, dict):
        hold_to_contract(case)
        return
    form = urlencode([(name, value) for name, value in _api_encode(case.body)])
    hold_to_contract(case, data=form, headers={"Content-Type": FORM})


@every_operation(WRONG)
@EXAMPLES
def test_what_the_contract_does_not_allow_is_refused(case: Any) -> None:
    hold_to_contract(case)
