"""`payment_method_options`: what a payment wants of cards in particular."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(current: dict[str, Any] | None, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """`current` after `given`: an option that is sent takes the place of the former one, an
    empty one is taken away, and an empty `card` takes them all away."""
    sent = given.get("card")
    if sent is None:
        return current
    if sent == "":
        return None
    kept = (current or {}).get("card") or {}
    card = {name: value for name, value in {**kept, **sent}.items() if value != ""}
    return {"card": card} if card else None
