"""Signing in as people do it: in a real browser, and by a real OpenID provider beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import ApiServer
from tests.support.people import invite
from tests.support.served import die_with_parent, free_port

NODE = Path(__file__).parents[1] / "node"


@pytest.fixture(scope="module")
def real_server(postgres: Any) -> Iterator[ApiServer]:
    """A server that trusts panva's oidc-provider, which runs beside it."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    with postgres.database() as url:
        server = ApiServer(
            url,
            oidc_issuer=issuer,
            oidc_client_id="guilder",
            oidc_client_secret="a secret of the tests only",
            oidc_name="Example ID",
        )
        environment = {
            **os.environ,
            "ISSUER": issuer,
            "PORT": str(port),
            "REDIRECT_URI": f"{server.url}/sign-in/callback",
        }
        provider = subprocess.Popen(
            ["node", "provider.mjs"],
            cwd=NODE,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls the system and no Python
        )
        try:
            assert provider.stdout is not None
            assert provider.stdout.readline() == "ready\n"
            server.start()
            yield server
            server.stop()
        finally:
            provider.kill()
            provider.wait()


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the browser comes out of its package: a fifth of a gigabyte."""
    folder = tmp_path_factory.mktemp("chromium")
    yield folder
    shutil.rmtree(folder)


def drive(script: str, folder: Path, unpacked: Path, **environment: str) -> None:
    """A story in the browser; what it saw is in the folder, for whoever wants to look."""
    pictures = folder / "pictures"
    pictures.mkdir()
    done = subprocess.run(
        ["node", script],
        cwd=NODE,
        env={
            **os.environ,
            "CHROMIUM": shutil.which("chromium") or "",
            "PICTURES": str(pictures),
            "TMPDIR": str(unpacked),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_person_signs_in_by_oidc_the_first_time_works_and_signs_out(
    real_server: ApiServer, tmp_path: Path, unpacked: Path
) -> None:
    person, account = f"ada{uuid.uuid4().hex[:8]}", real_server.open_account().account
    email = f"{person}@example.com"
    link = invite(real_server.database_url, real_server.url, account, email)
    drive(
        "by_provider.mjs",
        tmp_path,
        unpacked,
        GUILDER_URL=real_server.url,
        INVITATION=link,
        PERSON=person,
    )


def test_a_person_without_a_provider_sets_up_a_password_and_codes(
    real_server: ApiServer, tmp_path: Path, unpacked: Path
) -> None:
    account = real_server.open_account().account
    email = f"grace{uuid.uuid4().hex[:8]}@example.com"
    link = invite(real_server.database_url, real_server.url, account, email, "viewer")
    drive(
        "by_password.mjs",
        tmp_path,
        unpacked,
        GUILDER_URL=real_server.url,
        INVITATION=link,
        EMAIL=email,
    )
