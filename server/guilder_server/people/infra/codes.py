"""Codes of an authenticator: RFC 6238 with SHA-1, six digits, thirty seconds, as all apps read."""

from __future__ import annotations

import re
from datetime import datetime

import pyotp

from guilder_server.people.domain import tokens

_STEP_S = 30
_FORM = re.compile(r"[0-9]{6}", re.ASCII)


class TotpCodes:
    def __init__(self, issuer: str = "Guilder") -> None:
        self._issuer = issuer

    def new_secret(self) -> str:
        return pyotp.random_base32()

    def uri(self, secret: str, email: str) -> str:
        return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=self._issuer)

    def step(self, secret: str, code: str, now: datetime) -> int | None:
        given = "".join(code.split())
        if not _FORM.fullmatch(given):
            return None
        codes, this = pyotp.TOTP(secret), int(now.timestamp()) // _STEP_S
        # The newest first: an older one could not be taken after it.
        right = [
            step
            for step in (this + 1, this, this - 1)
            if tokens.same(codes.generate_otp(step), given)
        ]
        return right[0] if right else None
