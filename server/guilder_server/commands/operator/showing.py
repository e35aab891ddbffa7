"""How accounts and keys are shown: as lines for people, as one JSON document for programs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = Sequence[str | None]


def beside(data_dir: Path | None) -> str:
    """What a command that is recommended needs to be told besides: the folder of this one."""
    return "" if data_dir is None else f" --data-dir {shlex.quote(str(data_dir))}"


def show_document(document: Mapping[str, Any]) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))


def show_list(documents: Sequence[Mapping[str, Any]]) -> None:
    show_document({"object": "list", "data": documents})


def show_table(head: Row, rows: Sequence[Row]) -> None:
    """Columns as wide as what is in them."""
    cells = [[cell or "-" for cell in row] for row in [head, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(line.rstrip())


def shown(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def unix(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp())
