"""What `verify --since FILE` remembers between two runs: where each chain was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a chain that was found sound."""

    position: int
    head: bytes


class Unreadable(Exception):
    """The file is not one that was written here; the message says what to do."""


def read(path: Path) -> dict[str, Mark] | None:
    """None if there is no such file yet. Raises Unreadable."""
    try:
        found = json.loads(path.read_bytes())
        if found["version"] != _VERSION:
            raise ValueError(f"version {found['version']}")
        return {
            name: Mark(int(one["position"]), bytes.fromhex(one["head"]))
            for name, one in found["chains"].items()
        }
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(
            f"{path} does not say where a chain was ({error!r}). Name another file, or remove it "
            "to verify everything."
        ) from error


def write(path: Path, chains: Mapping[str, Mark]) -> None:
    """Whole or not at all."""
    content = {
        "version": _VERSION,
        "chains": {
            name: {"position": mark.position, "head": mark.head.hex()}
            for name, mark in sorted(chains.items())
        },
    }
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
