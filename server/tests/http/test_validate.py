"""Parameters against the contract: what a form means, and what is said about what is wrong."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from guilder_server.http.decode import decode_form
from guilder_server.http.validate import Parameters, param_name
from guilder_server.kernel.errors import InvalidRequest
from tests.http.small import CONTRACT

PAY = CONTRACT.operations["create_payment"].parameters
LIST = CONTRACT.operations["list_payments"].parameters
SEARCH = CONTRACT.operations["search_payments"].parameters
ENOUGH = {"amount": 5, "currency": "usd"}


def read(form: str, parameters: Parameters = PAY) -> dict[str, Any]:
    return parameters.read(decode_form(form.encode()), typed=False)


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ("confirm=true", {"confirm": True}),
        ("confirm=false", {"confirm": False}),
        ("rate=1.5", {"rate": 1.5}),
        ("rate=2", {"rate": 2}),
        ("description=123", {"description": "123"}),
        ("description=true", {"description": "true"}),
        ("description=", {"description": ""}),
        ("metadata[0]=a&metadata[1]=b", {"metadata": {"0": "a", "1": "b"}}),
        ("metadata[a]=", {"metadata": {"a": ""}}),
        ("metadata=", {"metadata": ""}),
        ("address[city]=Bonn", {"address": {"city": "Bonn"}}),
        ("address=", {"address": ""}),
        ("items=", {"items": ""}),
        (
            "items[0][price]=a&items[0][quantity]=2&items[1][price]=b",
            {"items": [{"price": "a", "quantity": 2}, {"price": "b"}]},
        ),
        (
            "items[1][price]=b&items[0][price]=a",
            {"items": [{"price": "a"}, {"price": "b"}]},
        ),
        (
            "items[][price]=a&items[][quantity]=1&items[][price]=b",
            {"items": [{"price": "a", "quantity": 1}, {"price": "b"}]},
        ),
        ("expand[]=a&expand[]=b", {"expand": ["a", "b"]}),
        ("expand[0]=a&expand[1]=b", {"expand": ["a", "b"]}),
        ("expand[3]=b&expand[1]=a", {"expand": ["a", "b"]}),
        ("expand=a&expand=b", {"expand": ["a", "b"]}),
        ("expand=a", {"expand": ["a"]}),
        ("off_session=true", {"off_session": True}),
        ("off_session=one_off", {"off_session": "one_off"}),
        ("until=now", {"until": "now"}),
        ("until=12", {"until": 12}),
        ("card[number]=4242&card[exp_month]=7", {"card": {"number": "4242", "exp_month": 7}}),
    ],
)
def test_a_form_is_read_in_the_types_of_the_contract(form: str, found: dict[str, Any]) -> None:
    assert read(f"amount=5&currency=usd&{form}") == {**ENOUGH, **found}


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ("", {}),
        ("limit=3", {"limit": 3}),
        ("created=100", {"created": 100}),
        ("created[gte]=100&created[lt]=200", {"created": {"gte": 100, "lt": 200}}),
    ],
)
def test_a_query_string_is_read_in_the_types_of_the_contract(
    form: str, found: dict[str, Any]
) -> None:
    assert read(form, LIST) == found


@pytest.mark.parametrize(
    ("form", "code", "message", "param"),
    [
        # What does not exist comes first.
        ("foo=1", "parameter_unknown", "Received unknown parameter: foo", "foo"),
        ("b=1&a=2", "parameter_unknown", "Received unknown parameters: a, b", "a"),
        ("foo=1&foo=2", "parameter_unknown", "Received unknown parameter: foo", "foo"),
        ("foo=1&amount=x", "parameter_unknown", "Received unknown parameter: foo", "foo"),
        (
            "amout=1",
            "parameter_unknown",
            "Received unknown parameter: amout. Did you mean amount?",
            "amout",
        ),
        (
            "amount=1&currency=usd&card[number]=4&card[foo]=1",
            "parameter_unknown",
            "Received unknown parameter: card[foo]",
            "card[foo]",
        ),
        (
            "amount=1&currency=usd&items[0][price]=4&items[0][quantitiy]=1",
            "parameter_unknown",
            "Received unknown parameter: items[0][quantitiy]. Did you mean items[0][quantity]?",
            "items[0][quantitiy]",
        ),
        (
            "amount=1&currency=usd&address[zip]=1",
            "parameter_unknown",
            "Received unknown parameter: address[zip]",
            "address[zip]",
        ),
        (
            "&".join(f"f{number}=1" for number in range(10, 32)),
            "parameter_unknown",
            f"Received unknown parameters: {', '.join(f'f{n}' for n in range(10, 20))} and 12 more",
            "f10",
        ),
        ("x" * 200 + "=1", "parameter_unknown", "Received an unknown parameter.", None),
        # Then what is no value of its type.
        ("amount=abc", "parameter_invalid_integer", "Invalid integer: abc", "amount"),
        ("amount=1.5", "parameter_invalid_integer", "Invalid integer: 1.5", "amount"),
        ("amount=1e3", "parameter_invalid_integer", "Invalid integer: 1e3", "amount"),
        ("amount=%2B5", "parameter_invalid_integer", "Invalid integer: +5", "amount"),
        ("amount=٣", "parameter_invalid_integer", "Invalid integer: ٣", "amount"),
        (
            "amount=" + "9" * 30,
            "parameter_invalid_integer",
            "Invalid integer: " + "9" * 30,
            "amount",
        ),
        (
            "amount[x]=1",
            "parameter_invalid_integer",
            "Invalid integer",
            "amount",
        ),
        ("confirm=yes", "parameter_invalid", "Invalid boolean: yes", "confirm"),
        ("rate=x", "parameter_invalid", "Invalid number: x", "rate"),
        ("description[a]=1", "parameter_invalid", "Invalid string", "description"),
        ("description[]=1", "parameter_invalid", "Invalid string", "description"),
        ("address=x", "parameter_invalid", "Invalid object", "address"),
        ("card=4242424242424242", "parameter_invalid", "Invalid object", "card"),
        ("items[a]=1", "parameter_invalid", "Invalid array", "items"),
        ("expand[a]=1", "parameter_invalid", "Invalid array", "expand"),
        ("metadata[a][b]=1", "parameter_invalid", "Invalid string", "metadata[a]"),
        (
            "items[0][price]=a&items[0][quantity]=x",
            "parameter_invalid_integer",
            "Invalid integer: x",
            "items[0][quantity]",
        ),
        (
            "capture_method=never",
            "parameter_invalid",
            "Invalid capture_method: must be one of automatic, automatic_async, or manual",
            "capture_method",
        ),
        ("types[]=sepa", "parameter_invalid", "Invalid types[0]: must be one of card", "types[0]"),
        (
            "card[number]=4&card[networks][preferred]=x",
            "parameter_invalid",
            "Invalid card[networks][preferred]: must be one of visa",
            "card[networks][preferred]",
        ),
        (
            "off_session=maybe",
            "parameter_invalid",
            "Invalid off_session: must be one of one_off",
            "off_session",
        ),
        (
            "amount=1&amount=2",
            "parameter_invalid",
            "Received the parameter amount more than once.",
            "amount",
        ),
        (
            "card[number]=1&card[number]=2",
            "parameter_invalid",
            "Received the parameter card[number] more than once.",
            "card[number]",
        ),
        (
            "items[0][price]=1&items[0][price]=2",
            "parameter_invalid",
            "Received the parameter items[0][price] more than once.",
            "items[0][price]",
        ),
        (
            "metadata[a]=1&metadata[a]=2",
            "parameter_invalid",
            "Received the parameter metadata[a] more than once.",
            "metadata[a]",
        ),
        # Then what is missing.
        ("", "parameter_missing", "Missing required param: amount.", "amount"),
        ("amount=1", "parameter_missing", "Missing required param: currency.", "currency"),
        (
            "description=" + "x" * 99,
            "parameter_missing",
            "Missing required param: amount.",
            "amount",
        ),
        (
            "amount=1&currency=usd&card[exp_month]=1",
            "parameter_missing",
            "Missing required param: card[number].",
            "card[number]",
        ),
        # Then what is past a limit.
        (
            "amount=0&currency=usd",
            "parameter_invalid_integer",
            "This value must be greater than or equal to 1.",
            "amount",
        ),
        (
            "amount=-5&currency=usd",
            "parameter_invalid_integer",
            "This value must be greater than or equal to 1.",
            "amount",
        ),
        (
            "amount=1&currency=usd&card[number]=4&card[exp_month]=13",
            "parameter_invalid_integer",
            "This value must be less than or equal to 12.",
            "card[exp_month]",
        ),
        ("amount=1&currency=us1", "parameter_invalid", "Invalid currency: us1", "currency"),
        (
            "amount=1&currency=usd&description=" + "x" * 41,
            "parameter_invalid",
            "Invalid string: " + "x" * 41 + "; must be at most 40 characters",
            "description",
        ),
        (
            "amount=1&currency=usd&description=" + "x" * 200,
            "parameter_invalid",
            f"Invalid string: {'x' * 20}...{'x' * 10}; must be at most 40 characters",
            "description",
        ),
        (
            "amount=1&currency=usd&name=+",
            "parameter_invalid_string_blank",
            "The parameter name contains only white space.",
            "name",
        ),
        (
            "amount=1&currency=usd&" + "&".join(f"items[{place}][price]=a" for place in range(4)),
            "parameter_invalid",
            "Invalid array: items takes at most 3.",
            "items",
        ),
    ],
)
def test_the_most_helpful_error_is_told(
    form: str, code: str, message: str, param: str | None
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(form)
    error = refused.value
    assert (error.code, error.message, error.param) == (code, message, param)
    assert not error.decided


@pytest.mark.parametrize(
    "name",
    [
        "amount",
        "currency",
        "customer",
        "capture_method",
        "confirm",
        "card",
        "expand",
        "off_session",
    ],
)
def test_an_empty_string_is_refused_where_there_is_nothing_to_unset(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(f"{name}=")
    assert refused.value.code == "parameter_invalid_empty"
    assert refused.value.param == name
    assert refused.value.message.startswith(f"{name} is empty")


@pytest.mark.parametrize(
    "form",
    [
        "card[number]=" + "4" * 30,
        "card=4444444444444444",
        "card[]=4444444444444444",
        "card[0]=4444444444444444",
        "card[number][0]=4444444444444444",
        "card[number][x]=4444444444444444",
        "card[number]=1&card[4444444444444444" + "x" * 100 + "]=2",
    ],
)
def test_a_sensitive_value_is_never_repeated(form: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(f"amount=1&currency=usd&{form}")
    assert "4444" not in refused.value.message


@pytest.mark.parametrize(
    ("body", "code", "message", "param"),
    [
        ({"amount": "5"}, "parameter_invalid_integer", "Invalid integer: 5", "amount"),
        ({"amount": 5.0}, "parameter_invalid_integer", "Invalid integer: 5.0", "amount"),
        ({"amount": True}, "parameter_invalid_integer", "Invalid integer: true", "amount"),
        ({"amount": None}, "parameter_invalid_integer", "Invalid integer: null", "amount"),
        ({"amount": 10**30, "currency": 5}, "parameter_invalid", "Invalid string: 5", "currency"),
        ({"confirm": "true"}, "parameter_invalid", "Invalid boolean: true", "confirm"),
        ({"metadata": {"a": 1}}, "parameter_invalid", "Invalid string: 1", "metadata[a]"),
        ({"expand": "a"}, "parameter_invalid", "Invalid array", "expand"),
        ({"expand": {"0": "a"}}, "parameter_invalid", "Invalid array", "expand"),
        ({"items": [[]]}, "parameter_invalid", "Invalid object", "items[0]"),
    ],
)
def test_json_must_have_the_types_of_the_contract(
    body: dict[str, Any], code: str, message: str, param: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        PAY.read({**ENOUGH, **body}, typed=True)
    error = refused.value
    assert (error.code, error.message, error.param) == (code, message, param)


def test_a_required_parameter_of_a_query_string_is_named() -> None:
    with pytest.raises(InvalidRequest, match="Missing required param: query"):
        read("", SEARCH)
    assert read("query=a", SEARCH) == {"query": "a"}


def test_a_range_that_is_not_one_is_named() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read("created[gte]=x", LIST)
    assert refused.value.param == "created[gte]"
    with pytest.raises(InvalidRequest) as refused:
        read("created=x", LIST)
    assert (refused.value.message, refused.value.param) == ("Invalid integer: x", "created")


def test_names_are_written_as_the_form_writes_them() -> None:
    assert param_name(("card", "networks", 0)) == "card[networks][0]"


words = st.text(
    st.characters(blacklist_characters="[]{\0", blacklist_categories=["Cs"]),
    min_size=1,
    max_size=8,
)
valid = st.fixed_dictionaries(
    {"amount": st.integers(1, 10**8), "currency": st.sampled_from(["usd", "EUR"])},
    optional={
        "confirm": st.booleans(),
        "description": words,
        "metadata": st.dictionaries(words, words, min_size=1, max_size=3),
        "items": st.lists(
            st.fixed_dictionaries({"price": words}, optional={"quantity": st.integers(0, 99)}),
            min_size=1,
            max_size=3,
        ),
        "expand": st.lists(words, min_size=1, max_size=3),
        "card": st.fixed_dictionaries({"number": words, "exp_month": st.integers(1, 12)}),
    },
)


@given(valid)
def test_a_form_of_the_official_client_and_json_say_the_same(params: dict[str, Any]) -> None:
    form = urlencode(list(_api_encode(params)))
    assert read(form) == params
    assert PAY.read(json.loads(json.dumps(params)), typed=True) == params


_LONG = [f"thing_{number}.created" for number in range(40)]
_WORDS = {"type": "string", "enum": _LONG}
CHOOSY = Parameters(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "word": _WORDS,
            "words": {"type": "array", "items": _WORDS},
            "hidden": {**_WORDS, "x-sensitive": True},
            "short": {"type": "string", "enum": _LONG[:30]},
        },
    },
    {},
)


@pytest.mark.parametrize(
    ("sent", "param", "says"),
    [
        ({"word": "thing_7.create"}, "word", "Did you mean thing_7.created"),
        ({"words": ["thing_1.created", "thing_2created"]}, "words[1]", "Did you mean thing_2.c"),
        ({"word": "zzz"}, "word", "Invalid word: zzz: it is none of the 40 words"),
        ({"word": "x" * 5000}, "word", "none of the 40 words"),
    ],
)
def test_of_many_words_only_those_that_are_near_are_told(
    sent: dict[str, Any], param: str, says: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CHOOSY.read(sent, typed=True)
    assert (refused.value.code, refused.value.param) == ("parameter_invalid", param)
    assert says in refused.value.message
    assert len(refused.value.message) < 250
    assert sum(word in refused.value.message for word in _LONG) <= 3


def test_nothing_is_near_what_is_like_nothing() -> None:
    with pytest.raises(InvalidRequest) as refused:
        CHOOSY.read({"word": "zzz"}, typed=True)
    assert "Did you mean" not in refused.value.message


def test_what_is_near_a_sensitive_value_would_tell_it() -> None:
    with pytest.raises(InvalidRequest) as refused:
        CHOOSY.read({"hidden": "thing_7.create"}, typed=True)
    assert "thing_7" not in refused.value.message
    assert "40 words" in refused.value.message


def test_as_many_words_as_can_be_read_are_told_all() -> None:
    with pytest.raises(InvalidRequest) as refused:
        CHOOSY.read({"short": "thing"}, typed=True)
    assert all(word in refused.value.message for word in _LONG[:30])
