"""Why somebody is not let in: a word for the trail, and a sentence for the person."""

from __future__ import annotations

from typing import Literal, TypeAlias

from guilder_server.kernel.errors import Forbidden

Reason: TypeAlias = Literal[
    "code_reused",
    "code_wrong",
    "email_unverified",
    "identity_taken",
    "invitation_ended",
    "invitation_of_another",
    "invitation_unbacked",
    "not_invited",
    "password_wrong",
    "provider_refused",
    "recovery_code_wrong",
    "reset_ended",
    "state_expired",
    "state_of_another_browser",
    "state_replayed",
    "state_unknown",
    "throttled",
    "token_algorithm",
    "token_audience",
    "token_expired",
    "token_issuer",
    "token_malformed",
    "token_nonce",
    "token_signature",
    "user_disabled",
]

_AGAIN = "Start again: what you followed is no longer good, or was made in another browser."
_UNBELIEVED = (
    "What your provider said about you could not be believed, so nobody was signed in. Try again; "
    "if it happens once more, tell whoever runs this server."
)
_ENDED = "This invitation is not open: it was used, taken back, or has expired. Ask for a new one."
_SAID: dict[Reason, str] = {
    "code_reused": "This code was used already. Wait for the next one.",
    "code_wrong": "This code is not right. Wait for the next one and enter its six digits.",
    "email_unverified": (
        "Your provider has not verified your email address, so nobody can tell that it is yours. "
        "Verify it there, then sign in again."
    ),
    "identity_taken": (
        "Your email address belongs to somebody who signs in here in another way. Ask whoever "
        "runs this server."
    ),
    "invitation_ended": _ENDED,
    # What became of its maker is not for whoever has the link.
    "invitation_unbacked": _ENDED,
    "invitation_of_another": (
        "This invitation is for another email address than yours. Sign in as the person that it "
        "was sent to, or ask for one of your own."
    ),
    "not_invited": (
        "You are not a member of any account here. Ask an owner of the account for an invitation."
    ),
    "password_wrong": "Email or password is not right.",
    "provider_refused": "Your provider did not sign you in. Try again.",
    "recovery_code_wrong": (
        "This recovery code is not right, or was used already: each is good once. Enter another."
    ),
    "reset_ended": (
        "This link is no longer good: it was used, has expired, or another one was made after it. "
        "Ask whoever runs this server for a new one."
    ),
    "throttled": "Too many attempts. Wait a quarter of an hour, then try again.",
    "user_disabled": "You can no longer sign in here. Ask whoever runs this server.",
}


class SignInRefused(Forbidden):
    """Nobody is signed in. `reason` is for the trail; the message tells no secret."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(
            _SAID.get(reason) or (_AGAIN if reason.startswith("state") else _UNBELIEVED)
        )
        self.reason = reason


class ProofRefused(Forbidden):
    """Somebody who has signed in did not prove that it is they who ask. As `SignInRefused`."""

    def __init__(self, reason: Reason) -> None:
        words = "The password is not right." if reason == "password_wrong" else _SAID[reason]
        super().__init__(words)
        self.reason = reason
