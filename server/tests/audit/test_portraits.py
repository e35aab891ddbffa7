"""What an audit tells of an object, and what of none."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.audit.domain.portraits import Audited, Portrait, Portraits
from guilder_server.audit.domain.touching import touched
from guilder_server.capabilities import MAPPINGS, PORTRAITS
from guilder_server.kernel.actor import Actor
from guilder_server.kernel.audit import Cause, Touched
from guilder_server.kernel.changes import Changes
from guilder_server.kernel.copies import replace
from guilder_server.kernel.redaction import REDACTED, is_secret, redacted
from guilder_server.kernel.tenant import Tenant
from guilder_server.postgres.trail import blocks

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TENANT = Tenant(1, "acct_1", livemode=False)


@dataclass(frozen=True)
class Inner:
    token: str
    shown: int
    gone: str | None = None


@dataclass(frozen=True)
class Thing:
    id: str
    version: int
    created: datetime
    name: str | None = None
    amount: int = 0
    sealed: bytes = b"sealed bytes"
    earlier: bytes | None = None
    api_token: str = "a token"
    word: str = "a hidden word"
    counter: int = 0
    inner: Inner | None = None
    details: dict[str, Any] = dataclasses.field(default_factory=dict)


PORTRAIT = Portrait(Thing, Audited("thing", frozenset({"word"}), frozenset({"counter"})))
NEW = Thing("th_1", 1, NOW)


def test_of_a_new_object_all_that_is_set_is_told_but_secrets() -> None:
    thing = replace(
        NEW, name="a", inner=Inner("t", 1), details={"password": "p", "a": {"cvc": "1", "b": [2]}}
    )
    assert PORTRAIT.of(None, thing) == Touched(
        "thing",
        "th_1",
        None,
        {
            "name": "a",
            "inner": {"token": REDACTED, "shown": 1},
            "details": {"password": REDACTED, "a": {"cvc": REDACTED, "b": [2]}},
        },
    )


def test_of_a_changed_object_what_differs_is_told_and_of_secrets_that_they_do() -> None:
    after = replace(NEW, version=2, name="a", sealed=b"other", word="w", api_token="t", amount=5)
    found = PORTRAIT.of(NEW, after)
    assert found is not None
    hidden = {"sealed": REDACTED, "word": REDACTED, "api_token": REDACTED}
    assert found.before == {"name": None, "amount": 0, **hidden}
    assert found.after == {"name": "a", "amount": 5, **hidden}


def test_bookkeeping_alone_is_not_told_and_a_touch_is() -> None:
    assert PORTRAIT.of(NEW, replace(NEW, version=2, counter=1)) is None
    assert PORTRAIT.of(NEW, replace(NEW, version=2)) == Touched("thing", "th_1", {}, {})


def test_an_object_that_is_changed_twice_is_told_of_once() -> None:
    portraits = Portraits({Thing}, {Thing: Audited("thing")}, frozenset())
    changes = Changes(TENANT)
    first = changes.change(NEW, replace(NEW, name="a"))
    changes.change(first, replace(first, name="b", amount=3))
    assert touched(portraits, changes) == [
        Touched("thing", "th_1", {"name": None, "amount": 0}, {"name": "b", "amount": 3})
    ]
    added = Changes(TENANT)
    added.change(added.add(NEW), replace(NEW, name="a"))
    [found] = touched(portraits, added)
    assert found.before is None
    assert found.after is not None
    assert found.after["name"] == "a"


@pytest.mark.parametrize(
    ("audited", "left_out"),
    [({}, frozenset()), ({Thing: Audited("thing")}, frozenset({Thing}))],
)
def test_a_kind_that_nobody_has_decided_about_stops_start_up(
    audited: dict[type, Audited], left_out: frozenset[type]
) -> None:
    with pytest.raises(TypeError, match="Thing"):
        Portraits({Thing}, audited, left_out)


def test_a_field_that_there_is_not_cannot_be_hidden() -> None:
    with pytest.raises(TypeError, match="nmae"):
        Portrait(Thing, Audited("thing", frozenset({"nmae"})))


def _canary(hint: Any) -> Any:
    """A value that a field of this type would not let through unseen."""
    kinds = {hint, *get_args(hint)}
    if bytes in kinds:
        return b"canary"
    if int in kinds:
        return 7
    return "canary"


@pytest.mark.parametrize("mapping", MAPPINGS.ordered, ids=lambda mapping: mapping.table.name)
def test_no_field_of_any_kind_that_seems_a_secret_gets_through(mapping: Any) -> None:
    kind, hints = mapping.kind, get_type_hints(mapping.kind)
    secret = [
        field.name
        for field in fields(kind)
        if is_secret(field.name) or bytes in {hints[field.name], *get_args(hints[field.name])}
    ]
    values = {field.name: _canary(hints[field.name]) for field in fields(kind)}
    blank = dict.fromkeys(values) | {"id": "x_1", "version": 1, "created": NOW}
    full = {name: values[name] for name in secret}
    before, after = object.__new__(kind), object.__new__(kind)
    before.__dict__.update(blank)
    after.__dict__.update(blank | full)
    portrait = PORTRAITS.find(after)
    if portrait is None:
        return
    for old in (None, before):
        text = json.dumps(portrait.of(old, after))
        assert "canary" not in text
        assert ": 7" not in text


NAMES = ("client_secret", "token", "password_hash", "api_key", "cvc", "iban", "totp_secret", "seal")


@given(
    st.sampled_from(NAMES),
    st.recursive(st.just("canary"), lambda one: st.lists(one) | st.dictionaries(st.text(), one)),
)
def test_what_goes_by_the_name_of_a_secret_is_hidden_wherever_it_stands(
    name: str, value: Any
) -> None:
    assert "canary" not in json.dumps(redacted({"a": [{"b": {name: value}}], name.upper(): value}))


WORDS = (
    *("sk_live_gld" + "a" * 32, "rk_test_gld" + "b" * 32, "whsec_" + "c" * 40),
    "ocs_live_gld" + "f" * 38,
)


@pytest.mark.parametrize("word", [*WORDS, "pi_1_secret_" + "d" * 25, "x?client_secret=pi_1eeeeeee"])
def test_a_secret_inside_of_a_text_is_cut_out(word: str) -> None:
    cause = Cause(Actor("job", "j"), "a")
    line = blocks.line(cause, [Touched("a", "b", None, {"description": f"see {word} there"})])
    assert word[-8:].encode() not in line
    assert b"there" in line


@given(
    st.lists(
        st.tuples(
            st.text(max_size=9),
            st.none() | st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text()),
        ),
        min_size=1,
        max_size=70,
    )
)
def test_what_stands_in_a_block_is_read_back(told: list[tuple[str, Any]]) -> None:
    causes = [Cause(Actor("user", id, None), "act", f"req_{n}") for n, (id, _) in enumerate(told)]
    lines = [
        blocks.line(cause, [Touched("thing", cause.actor.id, None, after)])
        for cause, (_, after) in zip(causes, told, strict=True)
    ]
    first = "aud_8Dn2QwEPLvaBQSzIxKq9bz00"
    block = blocks.block(first, 0, lines)
    read = blocks.lines_of(blocks.unpack(block.payload))
    found = [blocks.entry(first, place, line) for place, line in enumerate(read)]
    assert [one.cause for one in found] == causes
    assert [one.touched[0].after for one in found] == [after for _, after in told]
    ids = [one.id for one in found]
    assert ids == sorted(set(ids))
    assert all(blocks.is_id(id) for id in ids)
    assert ids == [blocks.entry_id(first, place) for place in range(len(ids))]
    assert ids[0] == first
