"""The door of `gateways`: how money on a card is moved, and what is kept of a card."""

from guilder_server.gateways.calling import ask, call
from guilder_server.gateways.domain import attempts
from guilder_server.gateways.domain.attempts import Attempt
from guilder_server.gateways.domain.cards import RawCard
from guilder_server.gateways.domain.instruments import Instrument
from guilder_server.gateways.domain.outcomes import (
    ActionRequired,
    Answer,
    Approved,
    Checks,
    Declined,
    Later,
    NotFound,
    Outcome,
    Pending,
    Risk,
    ThreeDSecure,
    Unknown,
)
from guilder_server.gateways.domain.requests import (
    AuthorizeRequest,
    CaptureRequest,
    IncrementRequest,
    RefundRequest,
    Request,
    VoidRequest,
)
from guilder_server.gateways.ports import Capabilities, Gateway, ReplyLost

__all__ = [
    "ActionRequired",
    "Answer",
    "Approved",
    "Attempt",
    "AuthorizeRequest",
    "Capabilities",
    "CaptureRequest",
    "Checks",
    "Declined",
    "Gateway",
    "IncrementRequest",
    "Instrument",
    "Later",
    "NotFound",
    "Outcome",
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
    "attempts",
    "call",
]
