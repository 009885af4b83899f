"""The histories of a journal, also of one that is damaged: those that are sound, and the damage.

A journal lists its histories quickly, and refuses if one of them is damaged.  Then everything that
it holds is read, which finds the sound ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from pingregistrywf.cli.progress import progress

if TYPE_CHECKING:
    from pingregistrywf.runtime.errors import Fault
    from pingregistrywf.runtime.journal import OperatorJournal, Stored


@dataclass(frozen=True, slots=True)
class Damage:
    """What keeps a journal from listing its histories; false if nothing does.

    Attributes:
        histories: the first fault of each damaged history, in words.
        beside: the faults that belong to no history.
    """

    histories: Mapping[UUID, str] = field(default_factory=dict)
    beside: Sequence[Fault] = ()

    def __bool__(self) -> bool:
        return bool(self.histories or self.beside)


def listed(journal: OperatorJournal) -> tuple[list[Stored], Damage]:
    """Return every history that can be described, and the damage if those are not all.

    Raises:
        DBError: the database failed.
    """
    from pingregistrywf.runtime.errors import CorruptedDataError

    try:
        return list(journal.histories()), Damage()
    except CorruptedDataError:
        found: list[Stored] = []
        histories: dict[UUID, str] = {}
        beside: list[Fault] = []
        with progress("looking for what is sound,"):
            for scanned in journal.scan():
                if scanned.stored is not None:
                    found.append(scanned.stored)
                for fault in scanned.faults:
                    if fault.history is None:
                        beside.append(fault)
                    else:
                        histories.setdefault(fault.history, fault.what)
        return found, Damage(histories, beside)


def history_ids(journal: OperatorJournal) -> list[UUID]:
    """Return the ids of all histories, of damaged ones too as far as they can be read.

    Raises:
        DBError: the database failed.
    """
    found, damage = listed(journal)
    return list({*(stored.id for stored in found), *damage.histories})
