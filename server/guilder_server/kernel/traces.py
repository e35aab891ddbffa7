"""Where an error came from, as a log may tell it: the places, and of what was said there nothing
that a caller may have sent.

A pretty traceback would show the values of variables. PostgreSQL tells of a row that it does not
take with all that is in the row; of its errors only the first sentence is told.
"""

from __future__ import annotations

import traceback

from guilder_server.kernel.secret_texts import redacted_text

_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def trace_of(error: BaseException) -> str:
    """The error with those that it came from, the first of them first, as Python shows them."""
    text, told = "", set()
    current: BaseException | None = error
    while current is not None and id(current) not in told:
        told.add(id(current))
        text = _one(current) + text
        if current.__cause__ is not None:
            current, joint = current.__cause__, _CAUSE
        elif current.__context__ is not None and not current.__suppress_context__:
            current, joint = current.__context__, _CONTEXT
        else:
            break
        text = joint + text
    return text


def _one(error: BaseException) -> str:
    places = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error)
    inner = ""
    if isinstance(error, BaseExceptionGroup):
        inner = "".join(trace_of(one) for one in error.exceptions)
    head = "Traceback (most recent call last):\n" if places else ""
    return f"{head}{places}{kind.__module__}.{kind.__qualname__}: {said(error)}\n{inner}"


def said(error: BaseException) -> str:
    """What the error says, for a line of a log. Of a database that is set to, `str` would tell
    each value that was sent to it."""
    # Errors of psycopg have what PostgreSQL has said in parts.
    first = getattr(getattr(error, "diag", None), "message_primary", None)
    return redacted_text(str(error) if first is None else str(first))
