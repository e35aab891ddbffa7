"""Where a customer comes back to from their bank: the merchant's page, or an app."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

from guilder_server.kernel.errors import InvalidRequest

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\x00-\x1f\x7f\\]+")
# Addresses that a browser would run instead of opening.
_SCRIPTS = frozenset({"javascript", "data", "vbscript"})


def checked(url: str) -> str:
    """The address, of a page or of an app such as `shop://paid`. Raises for anything else."""
    if not _ADDRESS.fullmatch(url) or url.partition(":")[0].lower() in _SCRIPTS:
        raise InvalidRequest(
            "url_invalid",
            "return_url is not an address that a customer can be sent to; it starts with https:// "
            "or with the scheme of your app.",
            "return_url",
        )
    return url


def with_answer(url: str, intent_id: str, client_secret: str, succeeded: bool) -> str:
    """The address, telling the merchant's page which payment the customer comes back from."""
    parts = urlsplit(url)
    answer = urlencode(
        {
            "payment_intent": intent_id,
            "payment_intent_client_secret": client_secret,
            "redirect_status": "succeeded" if succeeded else "failed",
        }
    )
    return parts._replace(query=f"{parts.query}&{answer}" if parts.query else answer).geturl()
