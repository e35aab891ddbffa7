"""An OpenID provider that does what a real one does not: whatever a test wants.

It signs in whoever is named in `person`, at once and without a page. `token` may replace the ID
token that it was about to give.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

Claims = dict[str, Any]

# Keys that providers have for other things, or of kinds that nobody here knows.
UNHEARD_OF: list[Claims] = [
    {"kty": "oct", "k": "c2VjcmV0"},
    {"kty": "EC", "crv": "P-9999", "x": "AA", "y": "AA", "kid": "new"},
    {"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB", "kid": "enc"},
    {"kty": "RSA", "kid": "half"},
]


class Provider:
    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.keys_asked = 0
        self.reset()

    def reset(self) -> None:
        self.person: Claims = {}
        self.userinfo: Claims | None = None
        self.token: Callable[[Claims], str] = self.signed
        self.codes: dict[str, dict[str, str]] = {}
        self.iss: str | None = self.issuer

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def signs_in(self, email: str, **claims: Any) -> str:
        """Whoever comes next; their subject."""
        self.reset()
        subject = claims.pop("sub", None) or secrets.token_hex(8)
        self.person = {"sub": subject, "email": email, "email_verified": True} | claims
        return str(subject)

    def signed(self, claims: Claims, key: RSAKey | None = None, **header: Any) -> str:
        return jwt.encode({"alg": "RS256", "kid": "first"} | header, claims, key or self.key)

    def authorized(self, asked: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"]}
        if self.iss is not None:
            answer["iss"] = self.iss
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def granted(self, form: dict[str, str]) -> Claims | None:
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or asked["code_challenge_method"] != "S256"
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form.get("redirect_uri")
            or form.get("client_id") != "guilder"
        ):
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "guilder",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        } | self.person
        return {
            "access_token": "at",
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.token(claims),
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                match parts.path:
                    case "/.well-known/openid-configuration":
                        self._answer(provider.metadata())
                    case "/jwks":
                        provider.keys_asked += 1
                        self._answer({"keys": [*UNHEARD_OF, provider.key.as_dict(private=False)]})
                    case "/authorize":
                        self.send_response(302)
                        self.send_header("Location", provider.authorized(query))
                        self.send_header("Content-Length", "0")
                        self.end_headers()
                    case "/userinfo":
                        self._answer(provider.userinfo or {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                granted = provider.granted(form)
                if granted is None:
                    self._answer({"error": "invalid_grant"}, 400)
                else:
                    self._answer(granted)

            def _answer(self, told: Claims, status: int = 200) -> None:
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler

    def metadata(self) -> Claims:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }
