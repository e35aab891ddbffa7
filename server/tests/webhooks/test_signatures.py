"""What is signed, and what is kept of the answer."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from guilder_server.webhooks.domain.excerpts import excerpt_of
from guilder_server.webhooks.domain.replies import LONGEST_EXCERPT
from guilder_server.webhooks.domain.signatures import secret_of, signed_headers

# Excerpts.

BODIES = [
    (b"", ""),
    ("naïve · 海蒂".encode(), "naïve · 海蒂"),
    (b"two\r\n\tlines", "two\r\n\tlines"),
    (b"nul \x00 here", "nul \ufffd here"),
    (b"\x1b[31mred", "\ufffd[31mred"),
    (b"\xff\xfe\x80", "\ufffd\ufffd\ufffd"),
    ("turned \u202e round".encode(), "turned \ufffd round"),
    (b"x" * 5000, "x" * LONGEST_EXCERPT),
]


@pytest.mark.parametrize(("body", "shown"), BODIES)
def test_what_is_shown_of_an_answer_can_be_stored_and_does_no_harm(body: bytes, shown: str) -> None:
    assert excerpt_of(body) == shown


@given(st.binary(max_size=3000))
def test_whatever_bytes_come_an_excerpt_can_be_stored(body: bytes) -> None:
    found = excerpt_of(body)
    assert len(found) <= LONGEST_EXCERPT
    assert "\x00" not in found
    assert json.loads(json.dumps(found).encode("utf-8")) == found


# Signatures.

KEYS = [b"a" * 32, b"b" * 32]
BODY = json.dumps({"id": "evt_1", "object": "event", "name": "Ada · 海蒂"}).encode()


@pytest.mark.parametrize("count", [1, 2])
def test_official_and_standard_clients_accept_each_of_the_secrets(count: int) -> None:
    secrets = [secret_of(key) for key in KEYS[:count]]
    headers = signed_headers(secrets, "evt_1", int(time.time()), BODY)
    for secret in secrets:
        event: Any = stripe.Webhook.construct_event(BODY, headers["Stripe-Signature"], secret)
        assert event.id == "evt_1"
        assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)


@pytest.mark.parametrize("wrong", ["body", "secret", "time", "id"])
def test_they_refuse_what_was_not_signed_so(wrong: str) -> None:
    now = int(time.time())
    secret = secret_of(KEYS[1] if wrong == "secret" else KEYS[0])
    signed_at = now - 301 if wrong == "time" else now
    headers = signed_headers([secret_of(KEYS[0])], "evt_1", signed_at, BODY)
    body = BODY + b" " if wrong == "body" else BODY
    if wrong == "id":
        headers["webhook-id"] = "evt_2"
    else:
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


@given(key=st.binary(min_size=32, max_size=32), body=st.text(max_size=200))
def test_any_key_and_any_body_can_be_verified(key: bytes, body: str) -> None:
    now = int(time.time())
    headers = signed_headers([secret_of(key)], "evt_1", now, body.encode())
    verify = stripe.WebhookSignature.verify_header
    assert verify(body, headers["Stripe-Signature"], secret_of(key), tolerance=300)
