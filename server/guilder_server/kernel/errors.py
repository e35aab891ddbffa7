"""What can go wrong, said once, without a word about HTTP.

Each error names what was wrong (`code`), where (`param`) and what to do (`message`). The
status and the envelope are the business of `http/errors.py`.
"""

from __future__ import annotations


class GuilderError(Exception):
    """Base of every refusal that a caller may read.

    `decided` says that the refusal came out of executing the request, so that an
    idempotency key must answer it again; a refusal at the door is not remembered.
    """

    code: str = "api_error"
    decided = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        subject: object | None = None,
        charge: str | None = None,
        advice_code: str | None = None,
        network_decline_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.param = param
        self.decline_code = decline_code
        # The domain object that the error envelope carries (a payment intent, a payment method).
        self.subject = subject
        self.charge = charge
        self.advice_code = advice_code
        self.network_decline_code = network_decline_code


class InvalidRequest(GuilderError):
    """The request cannot be carried out as it stands; repeating it will not help."""

    code = "parameter_invalid"

    def __init__(
        self, code: str, message: str, param: str | None = None, subject: object | None = None
    ) -> None:
        super().__init__(message, code=code, param=param, subject=subject)


class Refused(InvalidRequest):
    """A request that was well-formed and was refused after looking at what is stored."""

    decided = True


class NoSuchReference(Refused):
    """A parameter names an object that does not exist, or is another tenant's: the caller
    cannot tell which."""

    def __init__(self, noun: str, id: str, param: str | None = None) -> None:
        super().__init__("resource_missing", f"No such {noun}: '{id}'", param)


class NotFound(NoSuchReference):
    """The object that the path names does not exist, or is another tenant's."""


class CardDeclined(GuilderError):
    """The issuer, or the gateway before it, said no to this card."""

    code = "card_declined"
    decided = True

    def __init__(
        self,
        code: str,
        message: str,
        decline_code: str | None = None,
        param: str | None = None,
        *,
        subject: object | None = None,
        charge: str | None = None,
        advice_code: str | None = None,
        network_decline_code: str | None = None,
    ) -> None:
        super().__init__(
            message,
            code=code,
            param=param,
            decline_code=decline_code,
            subject=subject,
            charge=charge,
            advice_code=advice_code,
            network_decline_code=network_decline_code,
        )


class Unauthenticated(GuilderError):
    code = "api_key_invalid"


class Forbidden(GuilderError):
    code = "permission_missing"


class Conflict(GuilderError):
    """Somebody else is at it; the same request may succeed in a moment."""

    code = "lock_timeout"


class KeyInUse(Conflict):
    """A request with the same idempotency key is still running."""

    code = "idempotency_key_in_use"


class IdempotencyMismatch(GuilderError):
    """The key was used before, for something else."""

    code = "idempotency_key_reused"


class RateLimited(GuilderError):
    code = "rate_limit"


class Unavailable(GuilderError):
    """Something Guilder depends on did not answer; whether the request took effect is for
    its idempotency key to say."""

    code = "service_unavailable"
