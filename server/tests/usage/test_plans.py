"""Plans: what a file may say, and what is said of one that is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from guilder_server.settings import SettingError, read_settings
from guilder_server.usage import Plan, PlansBroken, plans_in
from guilder_server.usage.domain.plans import UNLIMITED, plans_from
from tests.usage.keeping import plans_file

BROKEN = [
    ("", "has no plan"),
    ("default = 'a'\n[plans]", "has no plan"),
    ("[plans.a]", "says default = None"),
    ("default = 'b'\n[plans.a]", "says default = 'b', which is none of its plans"),
    ("default = 'a'\nplan = 1\n[plans.a]", "plan is no key: there are default, plans"),
    ("default = 'a'\n[plans.a]\nhrad = true", "plan 'a': hrad is no key"),
    ("default = 'a'\n[plans.a]\nhard = 'yes'", "plan 'a': hard = 'yes' must be true or false"),
    ("default = 'a'\n[plans.a]\nquotas = 7", "plan 'a': write quotas as a table"),
    (
        "default = 'a'\n[plans.a.quotas]\npayment = 7",
        "plan 'a': quotas.payment is no key: there are api_calls, payments,",
    ),
    ("default = 'a'\n[plans.a.quotas]\npayments = -1", "quotas.payments = -1 must be a whole"),
    ("default = 'a'\n[plans.a.quotas]\npayments = 1.5", "quotas.payments = 1.5 must be a whole"),
    ("default = 'a'\n[plans.a.quotas]\npayments = true", "quotas.payments = True must be"),
    ("default = 'a'\n[plans.a.rates]\nlive_per_s = 0", "whole number of 1 or more"),
    ("default = 'a b'\n[plans.'a b']", "a name has letters, digits, - and _ only"),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_a_file_that_is_wrong_is_refused_with_its_plan_and_key(text: str, said: str) -> None:
    with pytest.raises(PlansBroken) as caught:
        plans_from(tomllib.loads(text))
    assert said in str(caught.value)


def test_a_plan_is_what_the_file_says(tmp_path: Path) -> None:
    plans = plans_in(plans_file(tmp_path))
    assert plans.of("small") == Plan(
        "small", True, {"payments": 3, "wallets": 2, "webhook_endpoints": 1}
    )
    assert plans.of(None) is plans.of("of a file that was there before") is plans.default
    assert plans_in(None) is UNLIMITED
    assert dict(UNLIMITED.default.quotas) == {}


def test_a_server_does_not_start_with_plans_that_are_wrong(tmp_path: Path) -> None:
    wrong = plans_file(tmp_path, "default = 'a'\n[plans.a]\nhrad = true")
    for value, said in ((wrong, "hrad is no key"), (f"{wrong}.none", "cannot be read")):
        with pytest.raises(SettingError) as caught:
            read_settings({"GUILDER_PLANS": value})
        assert str(caught.value).startswith("GUILDER_PLANS names plans that are wrong: ")
        assert value in str(caught.value)
        assert said in str(caught.value)


def test_the_plans_that_the_documentation_shows_can_be_used() -> None:
    example = Path(__file__).parents[3] / "docs" / "plans.toml"
    assert plans_in(str(example)).default.name == "starter"
