"""A caller has a name for the logs, and roles on names that are served; all else is denied."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pingregistrywf.service.grpc.refusal import CallRefusedError

EVERYTHING: Final = "*"
"""The pattern of every name; at the end of a pattern, it stands for any rest of the name."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call.

    Attributes:
        name: the caller, for logs.
        roles: the roles, each with the patterns of the names that it is for.
        may_all: whether the caller may do everything, because the server has no roles.
        until: when what the caller has shown expires, in seconds since 1970; None if never.
    """

    name: str
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    may_all: bool = False
    until: float | None = None

    def has(self, roles: Collection[str]) -> bool:
        """Return whether the caller has one of these roles on any name."""
        return self.may_all or any(self.roles.get(role) for role in roles)

    def may(self, roles: Collection[str], name: str) -> bool:
        """Return whether the caller has one of these roles on a name."""
        if self.may_all:
            return True
        return any(matches(each, name) for role in roles for each in self.roles.get(role, ()))

    def may_everywhere(self, roles: Collection[str]) -> bool:
        """Return whether the caller has one of these roles on every name."""
        return self.may_all or any(EVERYTHING in self.roles.get(role, ()) for role in roles)

    def check(self, roles: Collection[str], name: str | None = None) -> None:
        """Check that the caller has one of these roles: on a name, or on any if None.

        Raises:
            CallRefusedError: the caller has none of them.
        """
        if not (self.has(roles) if name is None else self.may(roles, name)):
            needed = " or ".join(roles) if roles else "none, because no role may do this"
            about = "" if name is None else f" on {name}"
            raise CallRefusedError(
                "PERMISSION_DENIED", "Denied", f"default deny: the role needed{about} is {needed}"
            )

    def together(self, other: Caller) -> Caller:
        """Return a caller who has shown what both of them have."""
        ends = [each for each in (self.until, other.until) if each is not None]
        names = {role: self.roles.get(role, frozenset()) for role in (*self.roles, *other.roles)}
        return Caller(
            f"{self.name} {other.name}",
            {role: each | other.roles.get(role, frozenset()) for role, each in names.items()},
            until=min(ends, default=None),
        )


ANYBODY: Final = Caller("anybody", may_all=True)
"""The caller of every call to a server without roles."""


def matches(pattern: str, text: str) -> bool:
    """Return whether a pattern is a text, or ends with ``*`` and the text begins like it."""
    if pattern.endswith(EVERYTHING):
        return text.startswith(pattern[:-1])
    return pattern == text


def merged(granted: Iterable[tuple[str, Iterable[str]]]) -> dict[str, frozenset[str]]:
    """Return roles with the patterns of all that is granted for each."""
    roles: dict[str, frozenset[str]] = {}
    for role, names in granted:
        roles[role] = roles.get(role, frozenset()) | frozenset(names)
    return roles
