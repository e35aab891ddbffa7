"""What the server says while it runs: one line of JSON for each thing worth knowing."""

from __future__ import annotations

import logging
import re
import sys

import structlog

from guilder_server.kernel.secret_texts import redacted_text

# An invitation is open to whoever reads its address.
_SECRET_PATH = re.compile(r"(/invitations/)[^/]+")


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
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), stream=sys.stderr)
    logging.getLogger("uvicorn.access").addFilter(_shown)


def _shown(record: logging.LogRecord) -> bool:
    """A line for a request names its path without what is secret there, or looks like it: no query
    either, which has the codes of providers and the secrets of payments."""
    if isinstance(record.args, tuple) and len(record.args) == 5:
        address, method, path, *rest = record.args
        shown = redacted_text(_SECRET_PATH.sub(r"\1…", str(path).partition("?")[0]))
        record.args = (address, method, shown, *rest)
    return True
