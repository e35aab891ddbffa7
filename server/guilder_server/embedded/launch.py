"""Become the program that is named, bound to the life of the process that started this one.

Run as a script, never imported: `python -I -S launch.py OPTIONS PROGRAM ARGUMENT...`, OPTIONS
being JSON. Doing this after an exec, in a process of its own with one thread, is what
`subprocess`'s preexec_fn cannot do safely in a parent that has threads.

`parent` is the process that must stay alive and `death_signal` what the program gets when it
does not. `identity` says whose rights the program gets, as explained in identity.py.
"""

import ctypes
import json
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CLONE_NEWUSER = 0x10000000
CAPABILITY_VERSION_3 = 0x20080522


def checked(libc: ctypes.CDLL, function: str, *arguments: object) -> None:
    if getattr(libc, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def enter_user_namespace(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Go on as `uid` in a namespace of our own; outside it, and on disk, nothing changes."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    checked(libc, "unshare", CLONE_NEWUSER)
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(line)


def become(libc: ctypes.CDLL, uid: int, gid: int, capability: "int | None") -> None:
    """Go on as another user, keeping one capability if asked to."""
    if capability is not None:
        checked(libc, "prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if capability is not None:
        keep = 1 << capability
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        # effective, permitted, inheritable for the low 32 capabilities, then for the high ones
        sets = (ctypes.c_uint32 * 6)(keep, keep, keep, 0, 0, 0)
        checked(libc, "capset", header, sets)
        checked(libc, "prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)


def main() -> None:
    options = json.loads(sys.argv[1])
    program = sys.argv[2:]
    identity = options["identity"]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if identity["kind"] == "namespace":
            enter_user_namespace(libc, identity["uid"], identity["gid"])
        elif identity["kind"] == "user":
            become(libc, identity["uid"], identity["gid"], identity["capability"])
        # A change of user clears this setting, so it comes after.
        checked(libc, "prctl", PR_SET_PDEATHSIG, options["death_signal"], 0, 0, 0)
        if os.getppid() != options["parent"]:
            sys.exit("the starting process has gone")
    elif identity["kind"] == "user":
        os.setgroups([])
        os.setgid(identity["gid"])
        os.setuid(identity["uid"])
    os.umask(0o077)
    os.execv(program[0], program)


main()
