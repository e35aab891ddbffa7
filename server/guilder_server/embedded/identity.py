"""With whose rights an embedded server runs.

PostgreSQL refuses to run as root, and initdb refuses a user without an account. Yet the files it
executes and its data may stand in a folder that only root may enter. So, for root:

1. in a user namespace of its own: for PostgreSQL it is `nobody`, for the file system still root;
2. where the system forbids that (many containers do), as the user `nobody`;
3. with the one capability that lets `nobody` pass through closed folders, if there is one on the
   way.

An ordinary user runs everything as itself, or as 1. if it has no account (`docker run -u 1234`).
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2


@dataclass(frozen=True, slots=True)
class Identity:
    kind: Literal["self", "namespace", "user"] = "self"
    uid: int = 0
    gid: int = 0
    capability: int | None = None

    @property
    def owner(self) -> tuple[int, int]:
        """Who owns the server's files, as this process sees it."""
        if self.kind == "user":
            return self.uid, self.gid
        return os.geteuid(), os.getegid()


def launch_command(
    identity: Identity, command: Sequence[str], death_signal: signal.Signals = signal.SIGKILL
) -> list[str]:
    """The command line that runs `command` as `identity` for as long as this process lives."""
    options = {
        "parent": os.getpid(),
        "death_signal": int(death_signal),
        "identity": asdict(identity),
    }
    launcher = Path(__file__).with_name("launch.py")
    return [sys.executable, "-I", "-S", str(launcher), json.dumps(options), *command]


class NoUnprivilegedUser(Exception):
    """Root, and nobody else to be."""


def for_postgres(*paths: Path) -> Identity:
    """The rights that PostgreSQL needs to reach `paths`, and no more."""
    if os.geteuid() != 0 and _has_account(os.geteuid()):
        return Identity()
    nobody = _nobody()
    if _namespaces_work(nobody):
        return Identity("namespace", nobody.pw_uid, nobody.pw_gid)
    if os.geteuid() != 0:
        # initdb will say what is missing.
        return Identity()
    if all(_may_enter(nobody, path) for path in paths):
        return Identity("user", nobody.pw_uid, nobody.pw_gid)
    return Identity("user", nobody.pw_uid, nobody.pw_gid, _passing_capability())


def _has_account(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise NoUnprivilegedUser(
            "PostgreSQL does not run as root and this system has no user `nobody`. "
            "Run Guilder as an ordinary user."
        ) from None


def _namespaces_work(nobody: pwd.struct_passwd) -> bool:
    if sys.platform != "linux":
        return False
    trial = launch_command(Identity("namespace", nobody.pw_uid, nobody.pw_gid), ["/bin/true"])
    return subprocess.run(trial, check=False, capture_output=True).returncode == 0


def _may_enter(nobody: pwd.struct_passwd, path: Path) -> bool:
    """Whether all folders on the way to `path`, itself left out, let `nobody` pass."""
    for folder in path.resolve().parents:
        about = folder.stat()
        shift = 6 if about.st_uid == nobody.pw_uid else 3 if about.st_gid == nobody.pw_gid else 0
        if not (about.st_mode >> shift) & 0o1:
            return False
    return True


def _passing_capability() -> int:
    """The smaller of the two capabilities that pass closed folders, if this process has it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff"))
    held = int(effective, 16)
    return CAP_DAC_READ_SEARCH if held >> CAP_DAC_READ_SEARCH & 1 else CAP_DAC_OVERRIDE
