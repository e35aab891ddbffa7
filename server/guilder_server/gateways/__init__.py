"""The door of `gateways`: how money on a card is moved, what is kept of a card, and
how money reaches a bank."""

from guilder_server.gateways.asking import (
    AUTHENTICATION_REQUIRED,
    Asking,
    ask_again_at,
    ask_for,
    attempt_of,
    resolve_attempt,
)
from guilder_server.gateways.calling import ask, call, follow, stop
from guilder_server.gateways.domain import attempts
from guilder_server.gateways.domain.attempts import Attempt
from guilder_server.gateways.domain.cards import RawCard
from guilder_server.gateways.domain.instruments import Instrument
from guilder_server.gateways.domain.outcomes import (
    ActionRequired,
    Answer,
    Approved,
    Arrived,
    Checks,
    Declined,
    Later,
    NotFound,
    Outcome,
    Passage,
    Pending,
    Risk,
    ThreeDSecure,
    Unknown,
)
from guilder_server.gateways.domain.requests import (
    CARD_KINDS,
    PAYOUT_KINDS,
    AuthorizeRequest,
    CaptureRequest,
    IncrementRequest,
    PayOutRequest,
    RefundRequest,
    Request,
    VoidRequest,
)
from guilder_server.gateways.ports import Attempts, Capabilities, Gateway, PaysOut, ReplyLost
from guilder_server.gateways.sweeping import (
    Commit,
    LeftBehind,
    ask_about,
    take_over,
    until_settled,
)

__all__ = [
    "AUTHENTICATION_REQUIRED",
    "CARD_KINDS",
    "PAYOUT_KINDS",
    "ActionRequired",
    "Answer",
    "Approved",
    "Arrived",
    "Asking",
    "Attempt",
    "Attempts",
    "AuthorizeRequest",
    "Capabilities",
    "CaptureRequest",
    "Checks",
    "Commit",
    "Declined",
    "Gateway",
    "IncrementRequest",
    "Instrument",
    "Later",
    "LeftBehind",
    "NotFound",
    "Outcome",
    "Passage",
    "PayOutRequest",
    "PaysOut",
    "Pending",
    "RawCard",
    "RefundRequest",
    "ReplyLost",
    "Request",
    "Risk",
    "ThreeDSecure",
    "Unknown",
    "VoidRequest",
    "ask",
    "ask_about",
    "ask_again_at",
    "ask_for",
    "attempt_of",
    "attempts",
    "call",
    "follow",
    "resolve_attempt",
    "stop",
    "take_over",
    "until_settled",
]
