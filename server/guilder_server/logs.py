"""What the server says while it runs: one line of JSON for each thing worth knowing."""

from __future__ import annotations

import logging
import re
import sys

import structlog
from structlog.typing import ExcInfo

from guilder_server.kernel.secret_texts import redacted_text
from guilder_server.kernel.traces import trace_of

# An invitation, and a new password, are open to whoever reads the address of the page.
_SECRET_PATH = re.compile(r"(/(?:invitations|new-password)/)[^/]+")


def configure(level: str) -> None:
    """Lines go to standard error, those of libraries among them.

    A trace shows where something failed and never the values that were there: one of them may
    be a card number. structlog's own console output prints local variables, so it is not used.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_trace),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), stream=sys.stderr)
    logging.getLogger("uvicorn.access").addFilter(_shown)
    logging.getLogger("uvicorn.error").addFilter(_traced)


def _shown(record: logging.LogRecord) -> bool:
    """A line for a request names its path without what is secret there, or looks like it: no query
    either, which has the codes of providers and the secrets of payments."""
    if isinstance(record.args, tuple) and len(record.args) == 5:
        address, method, path, *rest = record.args
        shown = redacted_text(_SECRET_PATH.sub(r"\1…", str(path).partition("?")[0]))
        record.args = (address, method, shown, *rest)
    return True


def _traced(record: logging.LogRecord) -> bool:
    """What fails outside of the API is told by the server, in our words too."""
    if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
        # A formatter shows this in the place of its own.
        record.exc_text = trace_of(record.exc_info[1])
    return True


def _trace(exc_info: ExcInfo) -> str:
    return trace_of(exc_info[1])
