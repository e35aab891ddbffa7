"""What a customer's browser may do with the payment it was given: pay it, and look at it.

The browser shows the payment's client secret, and that is all that is known of it. It must not
learn what the merchant noted for itself, nor change the terms that the merchant has set.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import Forbidden, NotFound, Refused
from guilder_server.payments.domain.intents import Intent

# Whose money, whether the customer is there, when it is taken: those are the merchant's to say.
_MAY_SEND = frozenset(
    {
        "client_secret",
        "mandate_data",
        "payment_method",
        "payment_method_data",
        "payment_method_options",
        "radar_options",
        "receipt_email",
        "return_url",
        "setup_future_usage",
        "shipping",
        "use_stripe_sdk",
    }
)
_CARD_OPTIONS = frozenset({"network"})


def require_secret(intent: Intent, client_secret: str | None) -> None:
    """A browser shows that it was given this payment. A wrong secret does not tell whether
    the payment exists."""
    given = (client_secret or "").encode()
    if not hmac.compare_digest(given, intent.client_secret.encode()):
        raise NotFound("payment_intent", intent.id, "intent")


def refuse_terms(intent: Intent, given: Mapping[str, Any]) -> None:
    """Raises where the browser would change what the payment is to be like."""
    for name in given:
        if name not in _MAY_SEND:
            raise _merchants_own(name)
    options = given.get("payment_method_options", {}).get("card") or {}
    for name in options:
        if name not in _CARD_OPTIONS:
            raise _merchants_own(f"payment_method_options[card][{name}]")
    if intent.shipping and "shipping" in given:
        raise _merchants_own("shipping")
    kept, wished = intent.future_usage, given.get("setup_future_usage", intent.future_usage)
    if kept and wished not in (kept, "off_session"):
        raise _merchants_own("setup_future_usage")
    if intent.confirmation_method == "manual":
        raise Refused(
            "payment_intent_unexpected_state",
            "This PaymentIntent is to be confirmed by the merchant's server, with a secret key: "
            "its confirmation_method is manual.",
            subject=intent,
        )


def seen_by_browser(intent: Intent) -> Intent:
    """The intent without whom the merchant thinks it is for and what the merchant noted."""
    error = intent.last_payment_error
    if error is not None and "payment_method" in error:
        method = error["payment_method"] | {"customer": None, "metadata": {}}
        error = error | {"payment_method": method}
    return replace(
        intent,
        customer_id=None,
        latest_charge_id=None,
        top_up_wallet_id=None,
        wallet_id=None,
        wallet_amount=None,
        wallet_charge_id=None,
        transfer_group=None,
        last_payment_error=error,
        metadata={},
    )


def _merchants_own(name: str) -> Forbidden:
    return Forbidden(
        f"{name} cannot be set with a publishable key. Use a secret key, on your server.",
        code="secret_key_required",
    )
