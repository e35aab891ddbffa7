"""Bodies and query strings that cannot be read, or should not be."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.api import Answer, Api
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("unchanged")

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MIB = 1 << 20


def post(world: World, body: bytes, kind: str | None = FORM, path: str = "/v1/customers") -> Answer:
    headers = {"Content-Type": kind} if kind is not None else {}
    return world.api.raw("POST", path, content=body, headers=headers)


def assert_unreadable(answer: Answer, *words: str, status: int = 400) -> None:
    assert answer.status == status, answer.body
    assert answer.error["type"] == "invalid_request_error"
    for word in words:
        assert word in answer.error["message"], answer.error


@pytest.mark.parametrize(
    "body",
    [
        b"name[=x",
        b"name]=x",
        b"name[a=x",
        b"name[a]b=x",
        b"name[a]]=x",
        b"[name]=x",
        b"=x",
        b"&&=",
        b"address[city][]x=1",
        b"metadata[a[b]]=x",
        b'{"name": "Ada"}',
        b'{"name": "Ada"}=',
    ],
)
def test_a_name_with_broken_brackets_is_refused(world: World, body: bytes) -> None:
    assert_unreadable(post(world, body), "could not be read")


@pytest.mark.parametrize("body", [b"name=%", b"name=%4", b"name=%zz", b"na%me=x", b"name=%u0041"])
def test_a_percent_sign_without_two_digits_is_refused(world: World, body: bytes) -> None:
    assert_unreadable(post(world, body), "hexadecimal")


@pytest.mark.parametrize(
    "body", [b"name=\xff", b"name=%ff", b"name=%C3", b"na%C3=x", b"name=%ED%A0%80", b"name=%C0%80"]
)
def test_text_that_is_not_utf8_is_refused_in_a_form(world: World, body: bytes) -> None:
    assert_unreadable(post(world, body), "UTF-8")


@pytest.mark.parametrize(
    "body", [b'{"name": "\xff"}', b'{"name": "\xc3"}', b"\xff\xfe{}", b'{"name": "\xed\xa0\x80"}']
)
def test_text_that_is_not_utf8_is_refused_in_json(world: World, body: bytes) -> None:
    assert_unreadable(post(world, body, JSON), "UTF-8")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"name=a%00b", FORM),
        (b"name=a\0b", FORM),
        (b"metadata[a%00]=b", FORM),
        (b'{"name": "a\\u0000b"}', JSON),
        (b'{"metadata": {"a\\u0000": "b"}}', JSON),
        (b'{"name": "\\ud800"}', JSON),
    ],
)
def test_characters_that_cannot_be_stored_are_refused(world: World, body: bytes, kind: str) -> None:
    answer = post(world, body, kind)
    assert_unreadable(answer)
    assert answer.error["code"] == "invalid_characters"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"name=a&name=b", "name"),
        (b"name=a&name=a", "name"),
        (b"name=&name=b", "name"),
        (b"address[city]=a&address[city]=b", "address[city]"),
        (b"metadata[a]=1&metadata[a]=2", "metadata[a]"),
    ],
)
def test_a_parameter_sent_twice_in_a_form_is_refused_by_its_name(
    world: World, body: bytes, param: str
) -> None:
    answer = post(world, body)
    assert_unreadable(answer, "more than once")
    assert answer.error["param"] == param


@pytest.mark.parametrize(
    "body", [b"address=x&address[city]=y", b"address[city]=y&address=x", b"expand[]=a&expand[x]=b"]
)
def test_one_name_used_for_two_kinds_of_value_is_refused(world: World, body: bytes) -> None:
    assert_unreadable(post(world, body), "different kinds")


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "a", "name": "b"}',
        b'{"address": {"city": "a", "city": "b"}}',
        b'{"metadata": {"a": "1", "\\u0061": "2"}}',
    ],
)
def test_a_name_that_appears_twice_in_json_is_refused(world: World, body: bytes) -> None:
    assert_unreadable(post(world, body, JSON), "more than once")


def test_a_parameter_in_the_query_string_and_in_the_body_is_refused(world: World) -> None:
    answer = post(world, b"name=a", path="/v1/customers?name=b")
    assert_unreadable(answer, "query string", "body")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b'"name"', b"17", b"null", b"{}x", b"{'name': 'a'}", b'{"name": }'),
        *(b'{"name": NaN}', b'{"amount": Infinity}', b'{"amount": 1e999}', b"\xef\xbb\xbf{}"),
        b'{"amount": ' + b"9" * 5000 + b"}",
        b'{"name": "\n"}',
    ],
)
def test_what_is_no_json_object_is_refused(world: World, body: bytes) -> None:
    if body:
        assert_unreadable(post(world, body, JSON, "/v1/payment_intents"), "could not be read")
    else:
        # No body at all is no parameters at all.
        answer = post(world, body, JSON, "/v1/payment_intents")
        assert answer.error["code"] == "parameter_missing"


@pytest.mark.parametrize("levels", [32, 33, 500, 100_000])
def test_json_that_is_nested_too_deep_is_refused(world: World, levels: int) -> None:
    inner = levels - 2
    body = b'{"metadata": ' + b'{"a":' * inner + b'"x"' + b"}" * inner + b"}"
    answer = post(world, body, JSON)
    if levels > 33:
        assert_unreadable(answer, "nested deeper than 32")
    else:
        # It can be read; metadata is flat all the same.
        assert_unreadable(answer)
        assert answer.error["param"] == "metadata[a]"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_brackets_that_never_close_are_refused(world: World, opening: bytes) -> None:
    assert_unreadable(post(world, opening * 100_000, JSON), "could not be read")


def test_a_form_that_is_nested_too_deep_is_refused(world: World) -> None:
    assert_unreadable(post(world, b"metadata" + b"[a]" * 40 + b"=x"), "nested deeper than 32")
    answer = post(world, b"metadata" + b"[a]" * 100_000 + b"=x")
    assert_unreadable(answer, "nested deeper than 32")


def test_a_form_with_too_many_parameters_is_refused_quickly(world: World) -> None:
    started = time.monotonic()
    answer = post(world, b"&".join(b"metadata[%d]=x" % number for number in range(50_000)))
    assert_unreadable(answer, "more than 2000 parameters")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (
            "/v1/ledger/transactions",
            {"postings": [{}] * 300_000},
            "Missing required param: postings[0][amount].",
        ),
        ("/v1/customers", {"metadata": {f"{n:x}": 0 for n in range(90_000)}}, "Invalid string: 0"),
        (
            "/v1/ledger/transactions",
            {"postings": [{"debit": "a", "credit": "b", "amount": 1}] * 900 + [{}]},
            "Missing required param: postings[900][amount].",
        ),
        ("/v1/customers", {f"x{n:x}": 0 for n in range(90_000)}, "Received unknown parameters: x0"),
    ],
    ids=["items", "metadata", "the last item", "names"],
)
def test_a_body_full_of_mistakes_is_refused_quickly(
    world: World, path: str, body: dict[str, Any], said: str
) -> None:
    """Whoever waits beside it waits as long."""
    text = json.dumps(body, separators=(",", ":")).encode()
    started = time.monotonic()
    answer = world.api.raw("POST", path, content=text, headers={"Content-Type": "application/json"})
    assert time.monotonic() - started < 5
    assert answer.status == 400
    assert answer.error["message"].startswith(said)


def test_a_large_array_index_makes_no_large_array(world: World) -> None:
    started = time.monotonic()
    answer = post(world, b"expand[999999]=default_source&preferred_locales[4000000000]=en")
    assert_unreadable(answer)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "garbage",
        ";",
    ],
)
def test_a_body_of_another_kind_is_refused(world: World, kind: str | None) -> None:
    answer = post(world, b"name=Ada", kind)
    assert_unreadable(answer, FORM, JSON, status=415)


def test_a_body_in_another_character_set_is_refused(world: World) -> None:
    for kind in (FORM, JSON):
        answer = post(world, b"{}", f"{kind}; charset=latin-1")
        assert_unreadable(answer, "charset", status=415)


def test_a_declared_body_over_a_mebibyte_is_refused_before_it_is_sent(world: World) -> None:
    connection = http.client.HTTPConnection(urlsplit(world.api.url).netloc, timeout=10)
    connection.putrequest("POST", "/v1/customers")
    connection.putheader("Authorization", f"Bearer {world.api.key}")
    connection.putheader("Content-Type", FORM)
    connection.putheader("Content-Length", str(MIB + 1))
    connection.endheaders()  # and nothing after them
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["error"]["type"] == "invalid_request_error"
    connection.close()


@pytest.mark.parametrize("length", ["-1", "abc", "1" * 30, "1, 2", "0x10"])
def test_a_length_that_is_none_is_refused(world: World, length: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(world.api.url).netloc, timeout=10)
    connection.putrequest("POST", "/v1/customers")
    connection.putheader("Authorization", f"Bearer {world.api.key}")
    connection.putheader("Content-Type", FORM)
    connection.putheader("Content-Length", length)
    connection.endheaders(b"name=Ada")
    assert connection.getresponse().status in (400, 413)
    connection.close()


def test_a_streamed_body_over_a_mebibyte_is_refused_while_it_comes(world: World) -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        yield b"name="
        while sent < 64 * MIB:
            sent += 1 << 16
            yield b"x" * (1 << 16)

    headers = {"Authorization": f"Bearer {world.api.key}", "Content-Type": FORM}
    try:
        with httpx.Client() as client:
            response = client.post(f"{world.api.url}/v1/customers", content=body(), headers=headers)
        assert response.status_code == 413
        assert response.json()["error"]["type"] == "invalid_request_error"
    except httpx.HTTPError:
        pass  # the connection may be closed on a caller that does not stop
    assert sent < 64 * MIB


def test_a_body_of_just_a_mebibyte_is_read(world: World) -> None:
    body = b"name=" + b"x" * (MIB - 5)
    assert len(body) == MIB
    answer = post(world, body)
    assert answer.status == 400
    assert answer.error["param"] == "name"
    assert len(answer.content) < 1000


@pytest.mark.parametrize("query", ["limit=%", "limit=1&limit=2", "limit[=1", "email=%ff"])
def test_a_query_string_that_cannot_be_read_is_refused(world: World, query: str) -> None:
    assert_unreadable(world.api.raw("GET", f"/v1/customers?{query}"))


def test_a_get_request_with_a_body_is_refused(world: World) -> None:
    assert_unreadable(world.api.raw("GET", "/v1/customers", content=b"limit=1"), "query string")


def test_a_url_over_its_limit_is_refused(world: World) -> None:
    answer = world.api.raw("GET", "/v1/customers?email=" + "x" * 9000)
    assert_unreadable(answer, "URL", status=414)


def test_headers_over_their_limits_are_refused(world: World) -> None:
    many = {f"X-Header-{number}": "x" for number in range(120)}
    answer = world.api.raw("GET", "/v1/customers", headers=many)
    assert_unreadable(answer, "headers", status=431)
    answer = world.api.raw("GET", "/v1/customers", headers={"X-Header": "x" * 20_000})
    assert_unreadable(answer, "headers", status=431)


def test_a_header_that_decides_something_may_come_once_only(world: World) -> None:
    twice = [
        ("Authorization", f"Bearer {world.api.key}"),
        ("Idempotency-Key", "one"),
        ("Idempotency-Key", "two"),
        ("Content-Type", FORM),
    ]
    with httpx.Client() as client:
        response = client.post(f"{world.api.url}/v1/customers", headers=twice, content=b"name=Ada")
    assert response.status_code == 400
    assert "more than once" in response.json()["error"]["message"]


def test_what_is_refused_does_not_close_the_connection_to_others(api: Api) -> None:
    for body in (b"name=%", b"name[=x"):
        assert api.raw("POST", "/v1/customers", content=body).status in (400, 415)
        assert api.post("/v1/customers", name="Ada").status == 200
