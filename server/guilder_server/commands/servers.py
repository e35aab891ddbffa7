"""Which PostgreSQL and Redis a command works on: a development folder's, or the operator's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guilder_server.embedded import DevelopmentFolder, ServerFailed
from guilder_server.settings import SettingError, Settings

DEFAULT_FOLDER = Path(".guilder")


def settings_in(
    folder: DevelopmentFolder, settings: Settings, database_url: str, redis_url: str
) -> Settings:
    """The settings, with the folder's servers and secrets."""
    secrets = folder.secrets()
    return dataclasses.replace(
        settings,
        database_url=database_url,
        redis_url=redis_url,
        key_pepper=secrets.key_pepper,
        fingerprint_key=secrets.fingerprint_key,
        sealing_key=secrets.sealing_key,
        ledger_signing_key=secrets.ledger_signing_key,
    )


@contextmanager
def reachable(settings: Settings, data_dir: Path | None, purpose: str) -> Iterator[Settings]:
    """Settings whose servers run for as long as the context lasts.

    `--data-dir` counts first, then GUILDER_DATABASE_URL, then a folder .guilder if there is one.
    """
    if data_dir is None and settings.database_url is None:
        if not DevelopmentFolder(DEFAULT_FOLDER).exists:
            raise SettingError(
                "GUILDER_DATABASE_URL",
                "is not set. Set it, or name a development folder with --data-dir.",
            )
        data_dir = DEFAULT_FOLDER
    if data_dir is None:
        yield settings
        return
    folder = DevelopmentFolder(data_dir)
    if not folder.exists:
        raise ServerFailed(
            f"{folder.path} is not a development folder. "
            f"`guilder dev --data-dir {data_dir}` makes one."
        )
    running = folder.running()
    if running is not None:
        found = settings_in(folder, settings, running.database_url, running.redis_url)
        # Links lead to the server that runs, whatever port it was given.
        yield dataclasses.replace(found, public_url=found.public_url or folder.address())
        return
    with folder.serving(purpose):
        started = folder.wait_until_ready(purpose)
        yield settings_in(folder, settings, started.database_url, started.redis_url)
