"""Who does something, for whom, and from where: one frozen value that goes through every change."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Source = Literal["ui", "api", "cli", "job", "import", "system"]


@dataclass(frozen=True)
class Grant:
    """Permissions that one role assignment gives, and the rows they reach.

    `scopes`: {resource name: {scope name: allowed values}}; a resource that is missing is not narrowed.
    """

    permissions: frozenset[str]
    scopes: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Actor:
    """A signed-in user, an API token's user, or the system itself (`user_id` None, may do everything)."""

    user_id: int | None
    name: str
    grants: tuple[Grant, ...] = ()
    is_system: bool = False

    def can(self, permission: str) -> bool:
        """True when any grant names `permission`; deny by default."""
        return self.is_system or any(permission in grant.permissions for grant in self.grants)


SYSTEM = Actor(user_id=None, name="system", is_system=True)
NOBODY = Actor(user_id=None, name="nobody")


@dataclass(frozen=True)
class Context:
    """Passed to every service, job, event and audit entry; nothing below the border reads the request."""

    actor: Actor
    source: Source = "system"
    on_behalf_of: str = ""
    locale: str = "en"
    timezone: str = "UTC"
    digits: str = "latn"
    request_id: str = field(default_factory=lambda: secrets.token_hex(8))
    ip: str = ""
    session_id: int | None = None
    reason: str = ""
    is_looking: bool = False  # with the eyes of `on_behalf_of`: nothing may be changed

    def because(self, reason: str) -> Context:
        return replace(self, reason=reason)

    def coming_from(self, source: Source) -> Context:
        return replace(self, source=source)

    def to_json(self) -> dict[str, Any]:
        """What a job row keeps. Grants are left out: they are read anew when the job runs."""
        kept = ["on_behalf_of", "locale", "timezone", "request_id", "ip", "session_id", "reason", "source"]
        kept += ["digits"] * (self.digits != "latn")  # not for everybody: workers of an older version do not know it
        return {"user_id": self.actor.user_id, "actor": self.actor.name} | {name: getattr(self, name) for name in kept}


def system_context(source: Source = "system") -> Context:
    return Context(actor=SYSTEM, source=source)
