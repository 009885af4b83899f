"""What goes wrong in journals and with data: faults, each put around a right implementation.

A fault changes requests on their way in or replies on their way out, and may remember.  None knows
the workflow: commands, events and fields are taken from what goes by.
"""

from __future__ import annotations

from collections.abc import Iterator

from pingregistrywf.conformance.selftest.faults.around import Answer, Fault
from pingregistrywf.conformance.selftest.faults.data import data
from pingregistrywf.conformance.selftest.faults.indexes import indexes
from pingregistrywf.conformance.selftest.faults.journals import journals
from pingregistrywf.conformance.selftest.faults.servers import servers
from pingregistrywf.conformance.selftest.faults.versions import versions
from pingregistrywf.conformance.selftest.faults.wire import wire

__all__ = ["Answer", "Fault", "faults"]


def faults() -> Iterator[Fault]:
    """Every fault."""
    for of_class in (versions, journals, data, wire, indexes, servers):
        yield from of_class()
