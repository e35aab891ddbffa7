"""`guilder users`: invite people to accounts, see who is there, change what they may do."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from guilder_server.commands import application
from guilder_server.commands.operator.books import Denied, saying_why
from guilder_server.commands.operator.showing import (
    beside,
    show_document,
    show_list,
    show_table,
    shown,
    unix,
)
from guilder_server.commands.servers import reachable
from guilder_server.settings import Settings, read_settings

if TYPE_CHECKING:
    from guilder_server.people.assembly import Populace
    from guilder_server.people.domain.person import Member, User
    from guilder_server.people.domain.reset import NewReset
    from guilder_server.people.flows.inviting import By

T = TypeVar("T")
_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives it no other name
_ROLES = ("owner", "admin", "developer", "finance", "support", "viewer")

_WHERE = "`guilder accounts list` shows the accounts, `guilder users list` their people."
_INVITE = """\
examples:
  guilder users invite --account acct_... --email ada@example.com --role owner
  guilder users invite --account acct_... --email grace@example.com --role viewer --json

The link is printed once, and leads to GUILDER_PUBLIC_URL. It is good for seven days and for one
person: whoever has it may set a password and is let in, so give it to nobody else."""


class Add(Protocol):
    def __call__(
        self,
        commands: _Commands[argparse.ArgumentParser],
        name: str,
        command: Callable[[argparse.Namespace], int] | None,
        about: str,
    ) -> argparse.ArgumentParser: ...


def add_people_commands(commands: _Commands[argparse.ArgumentParser], add: Add) -> None:
    about = add(commands, "users", None, "invite people to accounts, change what they may do")
    group = about.add_subparsers(metavar="COMMAND", required=True)
    invite = add(group, "invite", _invite, "invite somebody, and print the link this once")
    _add_account(invite)
    invite.add_argument("--email", required=True, help="of the person")
    invite.add_argument("--role", required=True, choices=_ROLES)
    invite.epilog = _INVITE
    invite.formatter_class = argparse.RawDescriptionHelpFormatter
    listing = add(group, "list", _list, "print the people, with their accounts and roles")
    listing.add_argument("--account", metavar="ACCOUNT", help="acct_...; of all without it")
    role = add(group, "set-role", _set_role, "give a member of an account another role")
    _add_user(role)
    _add_account(role)
    role.add_argument("--role", required=True, choices=_ROLES)
    remove = add(group, "remove", _remove, "remove a member from an account")
    _add_user(remove)
    _add_account(remove)
    for name, command, text in (
        ("disable", _disable, "let somebody sign in nowhere, and end their sessions"),
        ("enable", _enable, "let somebody sign in again"),
        ("reset-totp", _reset, "let somebody set their codes up anew at the next sign-in"),
        ("reset-password", _link, "print a link, this once, that sets a new password"),
    ):
        _add_user(add(group, name, command, text))
    for parser in {*group.choices.values()}:
        _add_common(parser)


def _invite(options: argparse.Namespace) -> int:
    seen = _done(
        options,
        lambda people: people.inviting.invite(
            _operator(), options.account, options.email, options.role
        ),
        pepper=True,
    )
    invitation = seen.invitation
    if options.json:
        show_document(
            {
                "id": invitation.id,
                "object": "invitation",
                "account": invitation.account,
                "email": invitation.email,
                "role": invitation.role,
                "expires_at": unix(invitation.expires_at),
                "url": seen.url,
            }
        )
        return 0
    print(
        f"{seen.url}\n\nSend this link to {invitation.email}: it is printed this once, and is good "
        f"until {shown(invitation.expires_at)}.\nWith it they become {invitation.role} of "
        f"{invitation.account}."
    )
    _say_if_local("invite them again")
    return 0


def _list(options: argparse.Namespace) -> int:
    members = _done(options, lambda people: people.members.all(options.account))
    if options.json:
        show_list([_member(member) for member in members])
    elif members:
        show_table(
            ("ID", "ACCOUNT", "ROLE", "SINCE", "STATUS", "EMAIL", "NAME"),
            [
                (
                    member.user.id,
                    member.account,
                    member.role,
                    shown(member.since),
                    _standing(member.user),
                    member.user.email,
                    member.user.name,
                )
                for member in members
            ],
        )
    else:
        print(
            "Nobody is there yet. Invite somebody: guilder users invite "
            f"--account {options.account or 'ACCOUNT'} --email EMAIL --role owner"
            f"{beside(options.data_dir)}"
        )
    return 0


def _set_role(options: argparse.Namespace) -> int:
    async def act(people: Populace) -> Member:
        user = await people.members.find(options.user)
        return await people.members.set_role(_operator(), options.account, user.id, options.role)

    member = _done(options, act)
    if options.json:
        show_document(_member(member))
    else:
        print(f"{member.user.email} is {member.role} of {member.account} within 5 seconds.")
    return 0


def _remove(options: argparse.Namespace) -> int:
    async def act(people: Populace) -> Member:
        user = await people.members.find(options.user)
        return await people.members.remove(_operator(), options.account, user.id)

    member = _done(options, act)
    if options.json:
        show_document({"id": member.user.id, "object": "user", "deleted": True})
    else:
        print(f"{member.user.email} is no member of {member.account} any more, within 5 seconds.")
    return 0


def _disable(options: argparse.Namespace) -> int:
    words = "{email} signs in nowhere any more, and their sessions end within 5 seconds."
    return _with_user(options, words, lambda people, by, id: people.members.disable(by, id))


def _enable(options: argparse.Namespace) -> int:
    words = "{email} may sign in again."
    return _with_user(options, words, lambda people, by, id: people.members.enable(by, id))


def _reset(options: argparse.Namespace) -> int:
    words = "{email} sets their codes up anew when they next sign in with their password."
    return _with_user(options, words, lambda people, by, id: people.members.reset_codes(by, id))


def _link(options: argparse.Namespace) -> int:
    async def act(people: Populace) -> NewReset:
        user = await people.members.find(options.user)
        return await people.resetting.link(_operator(), user.id)

    made = _done(options, act, pepper=True)
    if options.json:
        show_document(_user(made.user) | {"url": made.url, "expires_at": unix(made.expires_at)})
        return 0
    print(
        f"{made.url}\n\nGive this link to {made.user.email}: it is printed this once, and is good "
        f"once, until {shown(made.expires_at)}.\nIt sets a new password and ends all their "
        "sessions; their codes stay."
    )
    _say_if_local("make another link")
    return 0


def _with_user(
    options: argparse.Namespace,
    words: str,
    change: Callable[[Populace, By, str], Awaitable[User]],
) -> int:
    async def act(people: Populace) -> User:
        found = await people.members.find(options.user)
        return await change(people, _operator(), found.id)

    user = _done(options, act)
    if options.json:
        show_document(_user(user))
    else:
        print(words.format(email=user.email))
    return 0


def _done(
    options: argparse.Namespace,
    act: Callable[[Populace], Awaitable[T]],
    *,
    pepper: bool = False,
) -> T:
    """Raises Denied."""
    settings, data_dir = read_settings(), options.data_dir
    with reachable(settings, data_dir, "users") as found:
        if pepper:
            # With another pepper than the server's, a link would open nothing.
            found.require("key_pepper")
        with saying_why(found, _WHERE):
            _require_roles(found.required_database_url)
            return application.people(found, _public_url(found), act)


def _say_if_local(then: str) -> None:
    if read_settings().public_url is None:
        print(
            "GUILDER_PUBLIC_URL is not set, so the link opens on this machine only. Set it to the "
            f"address that\nbrowsers reach the server under, and {then}."
        )


def _require_roles(database_url: str) -> None:
    """These commands work as the server does: without its roles they would wait in vain."""
    import psycopg

    with psycopg.connect(database_url, connect_timeout=10) as connection:
        missing = application.roles_remedy(connection)
    if missing:
        said = "\n".join(f"    {statement};" for statement in missing)
        raise Denied(
            f"The database login may not work as the server does. Let a superuser say:\n{said}", 1
        )


def _operator() -> By:
    from guilder_server.people.flows.inviting import By

    return By(application.whoever_runs_this(), "operator")


def _public_url(settings: Settings) -> str:
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def _standing(user: User) -> str:
    return "active" if user.disabled_at is None else "disabled"


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "object": "user",
        "email": user.email,
        "name": user.name,
        "status": _standing(user),
        "codes": user.totp is not None,
        "created": unix(user.created),
    }


def _member(member: Member) -> dict[str, Any]:
    return _user(member.user) | {
        "account": member.account,
        "role": member.role,
        "since": unix(member.since),
    }


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("user", metavar="USER", help="user_... or their email")


def _add_account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--account", required=True, metavar="ACCOUNT", help="acct_...")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="FOLDER",
        help="a development folder, in use or not; else GUILDER_DATABASE_URL, else .guilder",
    )
