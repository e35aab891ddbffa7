"""The same shop through the official Node client: scripts in tests/node, one for each theme."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.api import differences
from tests.support.served import Served

SCRIPTS = Path(__file__).parents[1] / "node"


@pytest.mark.parametrize("theme", ["paying", "holding", "finding", "errors"])
def test_a_program_in_node_meets_no_surprise(served: Served, tmp_path: Path, theme: str) -> None:
    account = served.open_account()
    answers = tmp_path / "answers"
    done = subprocess.run(
        ["node", f"{theme}.mjs"],
        cwd=SCRIPTS,
        env={
            **os.environ,
            "GUILDER_URL": served.url,
            "SECRET_KEY": account.secret_key,
            "PUBLISHABLE_KEY": account.publishable_key,
            "ANSWERS": str(answers),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = [json.loads(line) for line in answers.read_text().splitlines()]
    assert len(written) > 10
    for answer in written:
        assert differences(**answer) == [], answer
