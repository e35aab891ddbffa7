"""What an operator may set: one frozen object, read once from GUILDER_*.

A name that is not known, or a value that is not understood, stops start-up: a setting that is
silently ignored is worse than none.
"""

from __future__ import annotations

import dataclasses
import os
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from guilder_server.http.origin import networks
from guilder_server.usage import PlansBroken, plans_in

PREFIX = "GUILDER_"
_SHORTEST_SECRET = 32
_SEED_BYTES = 32  # of an Ed25519 key
# What the commands for developers read by themselves; it says nothing to a server.
_OF_CLIENTS = frozenset({"GUILDER_API_KEY"})

LogLevel = Literal["debug", "info", "warning", "error"]
Mode = Literal["test", "live"]


class SettingError(Exception):
    """A setting is missing, unknown or malformed; the message names it and says what to do."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        super().__init__(f"{name} {problem}")


def _text(value: str) -> str:
    if not value:
        raise ValueError("is empty: give it a value or remove it")
    return value


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not lowest <= int(value) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(value)

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of: {', '.join(choices)}")
        return value

    return parse


def _switch(value: str) -> bool:
    return _one_of("on", "off")(value) == "on"


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if urlsplit(value).scheme not in schemes:
            starts = " or ".join(f"{scheme}://" for scheme in schemes)
            raise ValueError(f"must be a URL that starts with {starts}")
        return value.rstrip("/")

    return parse


def _database_url(value: str) -> str:
    url = _url("postgresql", "postgres")(value)
    return "postgresql" + url.removeprefix(urlsplit(url).scheme)


def _networks(value: str) -> str:
    try:
        networks(value)
    except ValueError as problem:
        raise ValueError(
            f"must be addresses or networks such as 10.0.0.0/8, divided by commas: {problem}"
        ) from None
    return value


def _issuer(value: str) -> str:
    """As the provider writes it, to the last slash: it is compared."""
    parts = urlsplit(value)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.netloc or parts.query or not (parts.scheme == "https" or local):
        raise ValueError("must be an address that starts with https://")
    return value


def _scopes(value: str) -> str:
    if "openid" not in value.split():
        raise ValueError("must have openid among what is asked for")
    return value


def _plans_file(value: str) -> str:
    """Where the file is, wherever this process goes."""
    path = str(Path(_text(value)).absolute())
    try:
        plans_in(path)
    except PlansBroken as problem:
        raise ValueError(f"names plans that are wrong: {problem}") from None
    return path


def _header(value: str) -> str:
    if not value.isascii() or not value.replace("-", "").isalnum():
        raise ValueError("must be the name of a header, such as Client-Cert")
    return value


def _secret(value: str) -> str:
    if len(value) < _SHORTEST_SECRET:
        raise ValueError(
            f"must have {_SHORTEST_SECRET} characters or more; "
            "one way to make a value: openssl rand -hex 32"
        )
    return value


def _seed(value: str) -> str:
    if len(value) != 2 * _SEED_BYTES or not set(value) <= set(string.hexdigits):
        raise ValueError(
            f"must be {2 * _SEED_BYTES} hexadecimal digits; "
            "one way to make a value: openssl rand -hex 32"
        )
    return value.lower()


def _setting(default: Any, parse: Callable[[str], Any], about: str, *, secret: bool = False) -> Any:
    return field(
        default=default,
        repr=not secret,
        metadata={"parse": parse, "about": about, "secret": secret},
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Every field is the setting GUILDER_<NAME>."""

    database_url: str | None = _setting(
        None, _database_url, "PostgreSQL 15 or newer: postgresql://user@host/name", secret=True
    )
    redis_url: str | None = _setting(
        None,
        _url("redis", "rediss", "unix"),
        "Redis 6 or newer, for rate limits and wake-ups; without it both are done without",
        secret=True,
    )
    key_pepper: str = _setting(
        "",
        _secret,
        "what API keys are hashed with; changing it makes every key invalid",
        secret=True,
    )
    fingerprint_key: str = _setting(
        "", _secret, "what card fingerprints are made with; never change it", secret=True
    )
    sealing_key: str = _setting(
        "",
        _secret,
        "what secrets in the database are encrypted with; without it they cannot be read",
        secret=True,
    )
    ledger_signing_key: str = _setting(
        "",
        _seed,
        "what checkpoints of the ledger and of the audit trail are signed with, 64 hexadecimal "
        "digits; without it none are made",
        secret=True,
    )
    ledger_checkpoint_s: int = _setting(
        60, _whole(0, 86_400), "how old a checkpoint of either gets before the next is made"
    )
    mode: Mode = _setting(
        "test", _one_of("test", "live"), "live lets live keys in, on a durable database only"
    )
    host: str = _setting("127.0.0.1", _text, "the address to listen on")
    port: int = _setting(4242, _whole(0, 65_535), "the port to listen on; 0 takes a free one")
    workers: int = _setting(1, _whole(1, 256), "processes that serve")
    public_url: str | None = _setting(
        None, _url("http", "https"), "the address under which clients reach this server"
    )
    trusted_proxies: str | None = _setting(
        None,
        _networks,
        "networks of the proxies whose X-Forwarded-For is believed",
    )
    oidc_issuer: str | None = _setting(
        None, _issuer, "the OpenID provider that people sign in with: https://accounts.example.com"
    )
    oidc_client_id: str | None = _setting(None, _text, "what the provider knows this server by")
    oidc_client_secret: str = _setting(
        "", _text, "what the provider gave with it; without it a public client", secret=True
    )
    oidc_scopes: str = _setting(
        "openid email profile", _scopes, "what the provider is asked for, openid among it"
    )
    oidc_name: str | None = _setting(
        None, _text, "what people know the provider by; without it the host of its address"
    )
    session_idle_minutes: int = _setting(
        15, _whole(1, 1440), "how long a person who does nothing stays signed in"
    )
    session_hours: int = _setting(12, _whole(1, 720), "how long a person stays signed in at most")
    operator_key: str = _setting(
        "",
        _secret,
        "the key that lets whoever runs the server in at /v1/operator; without it nobody is",
        secret=True,
    )
    plans: str | None = _setting(
        None, _plans_file, "a TOML file of plans with their quotas; without it nothing is limited"
    )
    client_cert_header: str | None = _setting(
        None,
        _header,
        "the header in which those proxies name a client's certificate; without it none is taken",
    )
    oauth_key_rotation_s: int = _setting(
        86_400, _whole(60, 31_536_000), "how long each key signs OAuth tokens before the next does"
    )
    log_level: LogLevel = _setting(
        "info", _one_of("debug", "info", "warning", "error"), "the least severe lines to log"
    )
    access_log: bool = _setting(False, _switch, "on: a line for each request")
    gateway_timeout_ms: int = _setting(
        10_000, _whole(100, 120_000), "how long a gateway may take to answer"
    )
    drain_timeout_ms: int = _setting(
        20_000, _whole(0, 600_000), "how long requests may take to finish on a stop"
    )
    webhook_endpoints: int = _setting(
        16, _whole(1, 1000), "how many webhook endpoints an account may have in each mode"
    )
    webhook_loopback: bool = _setting(
        False, _switch, "on: test mode may send webhooks to http and to this machine"
    )
    events_kept_days: int = _setting(30, _whole(4, 3650), "for how long events are kept")
    deliveries_kept_days: int = _setting(
        15, _whole(1, 3650), "for how long the log of webhook deliveries is kept"
    )

    rate_live: int = _setting(
        100, _whole(0, 1_000_000), "requests a second for each live key and class; 0: no limit"
    )
    rate_test: int = _setting(
        25, _whole(0, 1_000_000), "requests a second for each test key and class; 0: no limit"
    )
    rate_bad_keys: int = _setting(
        10, _whole(0, 100_000), "keys that do not exist, a second from one address; 0: no limit"
    )
    requests_per_account: int = _setting(
        200, _whole(0, 100_000), "requests of one account at once, in each mode; 0: no limit"
    )
    requests_per_process: int = _setting(
        1000, _whole(0, 100_000), "requests that a process carries at once; 0: no limit"
    )
    replicas: int = _setting(
        1, _whole(1, 1000), "how many `guilder serve` run beside each other, behind one address"
    )
    request_log_sample: int = _setting(
        100, _whole(0, 100), "percent of the requests that succeed which the request log keeps"
    )
    request_log_kept_days: int = _setting(
        30, _whole(1, 3650), "for how long the request log is kept"
    )

    @property
    def livemode_allowed(self) -> bool:
        return self.mode == "live"

    def require(self, *names: str) -> None:
        """Refuse to go on without these settings."""
        for name in names:
            if not getattr(self, name):
                about = _fields()[name].metadata["about"]
                raise SettingError(PREFIX + name.upper(), f"is not set ({about}).")

    @property
    def required_database_url(self) -> str:
        self.require("database_url")
        assert self.database_url is not None
        return self.database_url


def _fields() -> dict[str, dataclasses.Field[Any]]:
    return {each.name: each for each in dataclasses.fields(Settings)}


def read_settings(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """The settings of this process. `overrides` come from the command line and count more."""
    known = _fields()
    values: dict[str, Any] = {}
    source = os.environ if environment is None else environment
    for name in sorted(source):
        if not name.startswith(PREFIX) or name in _OF_CLIENTS:
            continue
        key = name.removeprefix(PREFIX).lower()
        if key not in known or name != PREFIX + key.upper():
            raise SettingError(name, f"is not a setting of Guilder.{_nearest(name)}")
        try:
            values[key] = known[key].metadata["parse"](source[name])
        except ValueError as problem:
            raise SettingError(name, f"{problem}.") from None
    given = {key: value for key, value in overrides.items() if value is not None}
    return Settings(**{**values, **given})


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as a child process reads them."""
    environment = {}
    for name, each in _fields().items():
        value = getattr(settings, name)
        if value == each.default:
            continue
        text = ("on" if value else "off") if isinstance(value, bool) else str(value)
        environment[PREFIX + name.upper()] = text
    return environment


def describe_settings() -> list[tuple[str, str, str]]:
    """Name, default and meaning of every setting."""
    return [
        (
            PREFIX + name.upper(),
            "" if each.default in {None, ""} else str(each.default),
            each.metadata["about"],
        )
        for name, each in _fields().items()
    ]


def _nearest(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, [PREFIX + key.upper() for key in _fields()], 1)
    return f" Did you mean {close[0]}?" if close else " Remove it, or correct its name."
