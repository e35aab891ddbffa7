"""Does this database keep tenants apart by itself?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from guilder_server.commands import application

_ROLES = ["guilder_requests", "guilder_commits", "guilder_jobs", "guilder_people"]

# What has rows of nobody's tenant, and the policy that holds for it.
_BY_TENANT = ["accounts", "organizations", "tenants"]
_BY_PERSON = [
    *("users", "identities", "memberships", "invitations"),
    *("sessions", "sign_in_states", "sign_in_attempts"),
]

# Privileges of a role that would let it past the policies: its own, of others, or of an owner.
_ABOVE = """
SELECT r.rolname FROM pg_roles r WHERE r.rolname = ANY(%(roles)s) AND (
    r.rolsuper OR r.rolbypassrls
    OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid)
    OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid)
) ORDER BY 1
"""
_OPEN = """
SELECT c.relname FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
  AND (c.relname = ANY(%(by_tenant)s) OR c.relname = ANY(%(by_person)s) OR EXISTS (
      SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
  ))
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
      SELECT FROM pg_policy p WHERE p.polrelid = c.oid
        AND p.polname = CASE WHEN c.relname = ANY(%(by_person)s) THEN 'people' ELSE 'tenants' END
  ))
ORDER BY 1
"""
# An owner for whom no policy holds would see empty books, and find them in order.
_BLIND = """
SELECT count(*) FROM pg_class c
WHERE c.relforcerowsecurity AND pg_has_role(current_user, c.relowner, 'USAGE')
  AND NOT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
  AND NOT EXISTS (
      SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'operators'
        AND EXISTS (SELECT FROM unnest(p.polroles) r WHERE pg_has_role(current_user, r, 'USAGE'))
  )
"""
_STRANGERS = """
SELECT rolname FROM pg_roles r
WHERE rolcanlogin AND NOT rolsuper AND rolname <> current_user
  AND has_database_privilege(rolname, current_database(), 'CONNECT')
  AND EXISTS (SELECT FROM pg_roles g WHERE g.rolname = ANY(%(roles)s)
              AND pg_has_role(r.oid, g.oid, 'MEMBER'))
  AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relname = 'tenants' AND c.relowner = r.oid)
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Gap:
    status: Literal["warn", "fail"]
    detail: str
    advice: str


def gaps(connection: psycopg.Connection[Any]) -> list[Gap]:
    """Where the walls between tenants are missing, or have a door; of a current schema."""

    def names(query: str, **values: object) -> list[str]:
        return [name for (name,) in connection.execute(query, values).fetchall()]

    found = []
    if remedy := application.roles_remedy(connection):
        found.append(
            Gap(
                "fail",
                "this login may not take the roles that keep tenants apart",
                f"Let a superuser say: {'; '.join(remedy)};",
            )
        )
    elif remedy := application.roles_untaken_remedy(connection):
        found.append(
            Gap(
                "fail",
                "this login has rights of the roles without taking them, so commands fail",
                f"Let whoever granted them say: {'; '.join(remedy)};",
            )
        )
    found += [
        Gap(
            "fail",
            f"{role} owns tables, is a member of another role or is above row-level security",
            f"Take all of that from {role}: it is to have what migrations grant it.",
        )
        for role in names(_ABOVE, roles=_ROLES)
    ]
    if tables := names(_OPEN, by_tenant=_BY_TENANT, by_person=_BY_PERSON):
        found.append(
            Gap(
                "fail",
                f"without row-level security: {', '.join(tables)}",
                "Somebody has taken it away: ENABLE and FORCE it again, with its policy.",
            )
        )
    ((blind,),) = connection.execute(_BLIND).fetchall()
    if blind:
        found.append(
            Gap(
                "fail",
                f"this login owns {blind} table(s) in which no policy lets it see any row",
                "After a change of owner say for each: ALTER POLICY operators ON … TO the login.",
            )
        )
    if strangers := names(_STRANGERS, roles=_ROLES):
        found.append(
            Gap(
                "warn",
                f"may take the server's roles in this database too: {', '.join(strangers)}",
                "If they are of another Guilder in this cluster, say REVOKE CONNECT ON DATABASE … "
                "FROM PUBLIC, and GRANT it to those who should.",
            )
        )
    return found
