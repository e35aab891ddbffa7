from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from guilder_server.settings import (
    SettingError,
    Settings,
    describe_settings,
    environment_of,
    read_settings,
)

SECRET = "0123456789abcdef0123456789abcdef"


def test_nothing_set_gives_the_defaults() -> None:
    assert read_settings({"HOME": "/root", "PATH": "/bin"}) == Settings()


def test_every_setting_is_read(tmp_path: Path) -> None:
    plans = tmp_path / "plans.toml"
    plans.write_text("default = 'a'\n[plans.a]\n")
    environment = {
        "GUILDER_OPERATOR_KEY": SECRET,
        "GUILDER_PLANS": str(plans),
        "GUILDER_DATABASE_URL": "postgres://guilder@db/guilder",
        "GUILDER_REDIS_URL": "redis://cache:6379/0",
        "GUILDER_KEY_PEPPER": SECRET,
        "GUILDER_FINGERPRINT_KEY": SECRET[::-1],
        "GUILDER_SEALING_KEY": SECRET[16:] * 2,
        "GUILDER_LEDGER_SIGNING_KEY": "AB" * 32,
        "GUILDER_LEDGER_CHECKPOINT_S": "0",
        "GUILDER_MODE": "live",
        "GUILDER_HOST": "0.0.0.0",
        "GUILDER_PORT": "8080",
        "GUILDER_WORKERS": "4",
        "GUILDER_PUBLIC_URL": "https://pay.example.com/",
        "GUILDER_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1",
        "GUILDER_CLIENT_CERT_HEADER": "Client-Cert",
        "GUILDER_OAUTH_KEY_ROTATION_S": "3600",
        "GUILDER_OIDC_ISSUER": "https://accounts.example.com/",
        "GUILDER_OIDC_CLIENT_ID": "guilder",
        "GUILDER_OIDC_CLIENT_SECRET": SECRET,
        "GUILDER_OIDC_SCOPES": "openid email",
        "GUILDER_OIDC_NAME": "Example",
        "GUILDER_SESSION_IDLE_MINUTES": "5",
        "GUILDER_SESSION_HOURS": "8",
        "GUILDER_LOG_LEVEL": "debug",
        "GUILDER_ACCESS_LOG": "on",
        "GUILDER_GATEWAY_TIMEOUT_MS": "5000",
        "GUILDER_DRAIN_TIMEOUT_MS": "1000",
        "GUILDER_WEBHOOK_ENDPOINTS": "3",
        "GUILDER_WEBHOOK_LOOPBACK": "on",
        "GUILDER_EVENTS_KEPT_DAYS": "400",
        "GUILDER_DELIVERIES_KEPT_DAYS": "7",
        "GUILDER_RATE_LIVE": "0",
        "GUILDER_RATE_TEST": "50",
        "GUILDER_RATE_BAD_KEYS": "3",
        "GUILDER_REQUESTS_PER_ACCOUNT": "20",
        "GUILDER_REQUESTS_PER_PROCESS": "300",
        "GUILDER_REPLICAS": "3",
        "GUILDER_REQUEST_LOG_SAMPLE": "5",
        "GUILDER_REQUEST_LOG_KEPT_DAYS": "90",
    }
    settings = read_settings(environment)
    assert settings.database_url == "postgresql://guilder@db/guilder"
    assert settings.public_url == "https://pay.example.com"
    assert (settings.port, settings.workers, settings.access_log) == (8080, 4, True)
    assert settings.livemode_allowed
    assert (settings.webhook_endpoints, settings.webhook_loopback) == (3, True)
    assert (settings.ledger_signing_key, settings.ledger_checkpoint_s) == ("ab" * 32, 0)
    assert (settings.events_kept_days, settings.deliveries_kept_days) == (400, 7)
    # An issuer is compared to its last slash.
    assert settings.oidc_issuer == "https://accounts.example.com/"
    assert (settings.session_idle_minutes, settings.session_hours) == (5, 8)
    assert set(environment) == {name for name, _, _ in describe_settings()}
    assert read_settings(environment_of(settings)) == settings


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("GUILDER_PORT", "", "from 0 to 65535"),
        ("GUILDER_TRUSTED_PROXIES", "10.0.0.1/8", "has host bits set"),
        ("GUILDER_CLIENT_CERT_HEADER", "Client Cert:", "the name of a header"),
        ("GUILDER_OAUTH_KEY_ROTATION_S", "59", "from 60 to 31536000"),
        ("GUILDER_PORT", "70000", "from 0 to 65535"),
        ("GUILDER_PORT", "-1", "from 0 to 65535"),
        ("GUILDER_PORT", "4_242", "from 0 to 65535"),
        ("GUILDER_PORT", "٤٢", "from 0 to 65535"),
        ("GUILDER_WORKERS", "0", "from 1 to 256"),
        ("GUILDER_MODE", "Live", "test, live"),
        ("GUILDER_ACCESS_LOG", "yes", "on, off"),
        ("GUILDER_DATABASE_URL", "mysql://db", "postgresql://"),
        ("GUILDER_REDIS_URL", "cache:6379", "redis://"),
        ("GUILDER_PUBLIC_URL", "pay.example.com", "http:// or https://"),
        ("GUILDER_KEY_PEPPER", "short", "32 characters"),
        ("GUILDER_SEALING_KEY", "short", "32 characters"),
        ("GUILDER_LEDGER_SIGNING_KEY", "0" * 63, "64 hexadecimal digits"),
        ("GUILDER_LEDGER_SIGNING_KEY", "g" * 64, "64 hexadecimal digits"),
        ("GUILDER_LEDGER_CHECKPOINT_S", "-1", "from 0 to 86400"),
        ("GUILDER_WEBHOOK_ENDPOINTS", "0", "from 1 to 1000"),
        ("GUILDER_WEBHOOK_LOOPBACK", "true", "on, off"),
        ("GUILDER_EVENTS_KEPT_DAYS", "0", "from 4 to 3650"),
        ("GUILDER_DELIVERIES_KEPT_DAYS", "-1", "from 1 to 3650"),
        ("GUILDER_OIDC_ISSUER", "http://accounts.example.com", "https://"),
        ("GUILDER_OIDC_ISSUER", "accounts.example.com", "https://"),
        ("GUILDER_OIDC_SCOPES", "email profile", "must have openid"),
        ("GUILDER_SESSION_IDLE_MINUTES", "0", "from 1 to 1440"),
        ("GUILDER_SESSION_HOURS", "0", "from 1 to 720"),
        ("GUILDER_HOST", "", "is empty"),
        ("GUILDER_PROT", "1", "Did you mean GUILDER_PORT?"),
        ("GUILDER_ZZZZZZZZZZ", "1", "is not a setting"),
        ("GUILDER_port", "1", "Did you mean GUILDER_PORT?"),
    ],
)
def test_a_setting_that_is_not_understood_is_named(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_settings({name: value})
    assert str(caught.value).startswith(name)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "name", ["GUILDER_KEY_PEPPER", "GUILDER_FINGERPRINT_KEY", "GUILDER_SEALING_KEY"]
)
def test_the_message_about_a_secret_does_not_show_it(name: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_settings({name: "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert SECRET not in repr(read_settings({name: SECRET}))
    assert SECRET not in repr(Settings(database_url=f"postgresql://:{SECRET}@"))


def test_the_command_line_counts_more_than_the_environment() -> None:
    assert read_settings({"GUILDER_PORT": "1"}, port=2, host=None).port == 2


def test_what_is_required_is_named() -> None:
    with pytest.raises(SettingError, match="GUILDER_FINGERPRINT_KEY is not set"):
        Settings(key_pepper=SECRET).require("key_pepper", "fingerprint_key")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]
