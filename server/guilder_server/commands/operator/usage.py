"""`guilder usage`: what accounts have used, for whoever bills them, and whether it is right."""

from __future__ import annotations

import csv
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from guilder_server.commands import application
from guilder_server.commands.operator.books import Denied, saying_why
from guilder_server.commands.operator.plans import plans_of
from guilder_server.commands.operator.showing import show_document, show_list
from guilder_server.commands.servers import reachable
from guilder_server.settings import Settings

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


def export(
    settings: Settings,
    data_dir: Path | None,
    *,
    month: str | None,
    account: str | None,
    form: str,
) -> int:
    present = datetime.now(UTC).strftime("%Y-%m")
    month = month or present
    if not _MONTH.fullmatch(month) or month > present:
        raise Denied(f"--month: {month!r} must be a month that has begun, such as {present}.", 2)
    plans = plans_of(settings)
    with reachable(settings, data_dir, "usage export") as found, saying_why(found):
        lines = application.usage_lines(found, month, account)
    if account is not None and not lines:
        raise Denied(f"No such account: '{account}'. `guilder accounts list` shows them.", 1)
    rows = [
        {
            "organization": line.organization,
            "account": line.account,
            "mode": "live" if line.livemode else "test",
            "month": month,
            "complete": month < present,
            "plan": plans.of(line.plan).name,
            **line.figures.used,
        }
        for line in lines
    ]
    if form == "json":
        show_list(rows)
    else:
        _write_csv(rows)
    return 0


def _write_csv(rows: list[dict[str, Any]]) -> None:
    from guilder_server.usage import METERS

    head = ["organization", "account", "mode", "month", "complete", "plan", *METERS]
    writer = csv.DictWriter(sys.stdout, head, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "complete": "yes" if row["complete"] else "no"})


def verify(settings: Settings, data_dir: Path | None, *, json: bool) -> int:
    with reachable(settings, data_dir, "usage verify") as found, saying_why(found):
        months, different = application.usage_differences(found)
    if json:
        found_out = {"months": months, "sound": not different, "differences": different}
        show_document({"object": "usage_verification", **found_out})
        return 1 if different else 0
    for difference in different:
        print(difference)
    if different:
        return 1
    print(f"The counters are what the tables say. Months of accounts looked at: {months}.")
    return 0
