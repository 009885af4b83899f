"""What goes wrong in journals and with data: faults, each put around a right implementation.

A fault changes requests on their way in or replies on their way out, and may remember.  None knows
the workflow: commands, events and fields are taken from what goes by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pingregistrywf.conformance.selftest.faults import data, histories
from pingregistrywf.conformance.selftest.faults.around import Answer, Around

__all__ = ["Answer", "Fault", "faults"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault.

    Attributes:
        group: its class: versions, journal, servers, data, wire or index.
        name: what it does, in words.
        around: puts it around an implementation.
        needs: the capability without which it changes nothing; empty if there is none.
    """

    group: str
    name: str
    around: Around
    needs: str


def faults() -> Iterator[Fault]:
    """Every fault, class by class."""
    for (group, needs), table in {**histories.FAULTS, **data.FAULTS}.items():
        for name, around in table.items():
            yield Fault(group, name, around, needs)
