"""Plans from the file that GUILDER_PLANS names."""

from __future__ import annotations

import tomllib
from pathlib import Path

from guilder_server.usage.domain.plans import UNLIMITED, Plans, PlansBroken, plans_from


def plans_in(path: str | None) -> Plans:
    """Without a file there is one plan, without a limit. Raises PlansBroken, which names it."""
    if path is None:
        return UNLIMITED
    try:
        document = tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise PlansBroken(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlansBroken(f"{path} is not TOML: {error}") from None
    try:
        return plans_from(document)
    except PlansBroken as problem:
        raise PlansBroken(f"{path}: {problem}") from None
