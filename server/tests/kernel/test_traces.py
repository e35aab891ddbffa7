"""What a log is told of an error."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from guilder_server.kernel.redaction import REDACTED
from guilder_server.kernel.traces import trace_of

KEY = "sk_test_gld" + "a" * 38


class OfPostgres(Exception):
    """As psycopg has them."""

    diag = SimpleNamespace(message_primary="new row violates check constraint")


def fail(error: BaseException, cause: BaseException | None = None) -> BaseException:
    with pytest.raises(type(error)) as raised:
        raise error from cause
    return raised.value


def test_places_and_words_are_told_and_secrets_are_not() -> None:
    trace = trace_of(fail(ValueError(f"not good: {KEY}")))
    assert "in fail" in trace
    assert f"builtins.ValueError: not good: {REDACTED}" in trace


def test_of_the_database_only_the_first_sentence_is_told() -> None:
    error = fail(OfPostgres("new row violates check constraint\nDETAIL:  Failing row contains (x)"))
    assert trace_of(error).endswith("OfPostgres: new row violates check constraint\n")


def test_causes_come_first_and_what_was_suppressed_does_not_come() -> None:
    trace = trace_of(fail(KeyError("second"), fail(OfPostgres("first DETAIL"))))
    assert trace.index("OfPostgres: new row") < trace.index("direct cause") < trace.index("second")
    assert "DETAIL" not in trace
    try:
        raise KeyError("hidden")
    except KeyError:
        trace = trace_of(fail(ValueError("shown")))
    assert "shown" in trace
    assert "hidden" not in trace


def test_what_failed_together_is_told_of_each() -> None:
    trace = trace_of(fail(ExceptionGroup("both", [ValueError("one"), OfPostgres("two DETAIL")])))
    assert "one" in trace
    assert "OfPostgres: new row" in trace
    assert "DETAIL" not in trace


def test_errors_that_caused_each_other_come_to_an_end() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert trace_of(one).count("ValueError") == 2
