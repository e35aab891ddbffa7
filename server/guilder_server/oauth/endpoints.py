"""Where clients ask for tokens, and where others read what they need to check them.

These stand outside the contract: their shapes are those of RFC 6749, 7517 and 8414, and a client
has no key yet when it asks.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Mapping
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guilder_server.http.app import ClientGone, read_body
from guilder_server.http.errors import HttpRefusal
from guilder_server.http.origin import Origins
from guilder_server.kernel.errors import Unavailable
from guilder_server.oauth.domain.refusals import TokenRefused, invalid_client
from guilder_server.oauth.domain.signing import COPIED_FOR
from guilder_server.oauth.flows.granting import GRANT, Asked, Granting
from guilder_server.oauth.flows.keys import SigningKeys

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
KEYS_PATH = "/.well-known/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"

_FORM = "application/x-www-form-urlencoded"
_LARGEST_FORM = 32 << 10
_MOST_FIELDS = 20
_STATUS = {"invalid_client": 401, "temporarily_unavailable": 429}
_UNSTORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}

Identities = Callable[[str | None], frozenset[str]]


class OauthEndpoints:
    """`certificate_header` is what trusted proxies name a client's certificate in; `identities`
    reads it."""

    def __init__(
        self,
        granting: Granting,
        keys: SigningKeys,
        origins: Origins,
        issuer: str,
        scopes: Collection[str],
        algorithms: Collection[str],
        identities: Identities,
        certificate_header: str | None,
    ) -> None:
        self._granting, self._keys, self._origins = granting, keys, origins
        self._identities = identities
        self._certificate_header = certificate_header and certificate_header.lower()
        self._metadata = {
            "issuer": issuer,
            "token_endpoint": issuer + TOKEN_PATH,
            "jwks_uri": issuer + KEYS_PATH,
            "grant_types_supported": [GRANT],
            "response_types_supported": [],
            "scopes_supported": sorted(scopes),
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
                *(["tls_client_auth"] if certificate_header else []),
            ],
            "token_endpoint_auth_signing_alg_values_supported": sorted(algorithms),
        }

    def routes(self) -> list[Route]:
        return [
            Route(TOKEN_PATH, self._token, methods=["POST"]),
            Route(KEYS_PATH, self._published, methods=["GET"]),
            Route(METADATA_PATH, self._described, methods=["GET"]),
        ]

    async def _token(self, request: Request) -> Response:
        try:
            grant = await self._granting.grant(await self._asked(request))
        except TokenRefused as refused:
            return _refusal(refused, request)
        except HttpRefusal as refused:
            return _answer({"error": "invalid_request"}, refused.status)
        except Unavailable:
            return _answer({"error": "temporarily_unavailable"}, 503)
        except ClientGone:
            return Response(status_code=400)
        return _answer(
            {
                "access_token": grant.token,
                "token_type": "Bearer",
                "expires_in": grant.expires_in_s,
                "scope": " ".join(grant.scopes),
            },
            200,
        )

    async def _published(self, _: Request) -> Response:
        try:
            keys = await self._keys.published()
        except Unavailable:
            return _answer({"error": "temporarily_unavailable"}, 503)
        kept = f"public, max-age={int(COPIED_FOR.total_seconds())}"
        return JSONResponse({"keys": keys}, headers={"Cache-Control": kept})

    async def _described(self, _: Request) -> Response:
        return JSONResponse(self._metadata)

    async def _asked(self, request: Request) -> Asked:
        declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if declared != _FORM or request.url.query:
            raise TokenRefused("invalid_request", f"The request is a form: {_FORM}.")
        length = request.headers.get("content-length")
        body = await read_body(request.receive, None if length is None else length.encode())
        peer = None if request.client is None else request.client.host
        forwarded = ", ".join(request.headers.getlist("x-forwarded-for")) or None
        return Asked(
            params=_form(body),
            basic=_basic(request.headers.getlist("authorization")),
            certificate=self._certificate(request, peer),
            address=self._origins.of(peer, forwarded),
        )

    def _certificate(self, request: Request, peer: str | None) -> frozenset[str]:
        """Only a trusted proxy is believed; anybody can write a header."""
        if self._certificate_header is None or not self._origins.trusts(peer):
            return frozenset()
        sent = request.headers.getlist(self._certificate_header)
        return self._identities(sent[0]) if len(sent) == 1 else frozenset()


def _form(body: bytes) -> dict[str, str]:
    if len(body) > _LARGEST_FORM:
        raise HttpRefusal(413, "The form is too large.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise TokenRefused("invalid_request", "The form cannot be read.") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise TokenRefused("invalid_request", "A parameter was sent more than once.")
    # What is sent without a value is taken for what is not sent (RFC 6749, section 3.2).
    return {name: value for name, value in found.items() if value}


def _basic(headers: list[str]) -> tuple[str, str] | None:
    """Id and secret; each is written as in a form (RFC 6749, section 2.3.1)."""
    if not headers:
        return None
    scheme, _, encoded = headers[0].partition(" ")
    try:
        if len(headers) > 1 or scheme.lower() != "basic":
            raise invalid_client()
        name, colon, secret = (
            base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        )
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise invalid_client() from None
    if not colon:
        raise invalid_client()
    return unquote_plus(name), unquote_plus(secret)


def _refusal(refused: TokenRefused, request: Request) -> Response:
    body = {"error": refused.error, "error_description": refused.description}
    answer = _answer(body, _STATUS.get(refused.error, 400))
    if refused.error == "invalid_client" and "authorization" in request.headers:
        answer.headers["WWW-Authenticate"] = 'Basic realm="Guilder"'
    if refused.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refused.retry_after_s)
    return answer


def _answer(body: Mapping[str, object], status: int) -> JSONResponse:
    return JSONResponse(body, status, headers=_UNSTORED)
