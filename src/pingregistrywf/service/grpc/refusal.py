"""Calls that the service refuses by itself, whatever the chart would say."""

from __future__ import annotations

from typing import Final


class CallRefusedError(Exception):
    """The call is refused with a status.

    Attributes:
        status: the name of the gRPC status.
        name: the refusal's name, for programs.
        definite: whether nothing was written, for certain.
    """

    def __init__(self, status: str, name: str, text: str, *, definite: bool = True) -> None:
        self.status: Final = status
        self.name: Final = name
        self.definite: Final = definite
        super().__init__(text)


def not_served(kind: str, name: object) -> CallRefusedError:
    """Return the refusal of a call about a name that is not served."""
    return CallRefusedError("NOT_FOUND", "NotServed", f"{kind} {name} is not served here")


def stopping() -> CallRefusedError:
    """Return the refusal of a call that the end of the service cuts short."""
    return CallRefusedError("UNAVAILABLE", "Stopping", "the service is stopping")
