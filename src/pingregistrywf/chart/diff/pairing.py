"""Which part of the new chart is which part of the old one, also where its name changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pingregistrywf.chart.diff.change import Change
from pingregistrywf.chart.ir import Chart

KINDS: Final[Mapping[str, str]] = {
    "states": "state",
    "records": "record",
    "carried": "carried value",
    "events": "event",
    "commands": "command",
    "errors": "error",
    "fields": "field",
    "arguments": "argument",
}
"""The word for one part of each kind."""


class Pairing:
    """The new names of the parts of an old chart.

    Attributes:
        states, records, carried, events, commands, errors: by the old name, the new one; what was
            removed is not there.
        listed: what a keyed chart's snapshot lists of an entry, likewise: the key and what it
            carries.
    """

    def __init__(self, old: Chart, new: Chart) -> None:
        self._new = new
        self.states = self.pairs("states", old.states, new.states)
        self.records = self.pairs("records", old.records, new.records)
        self.carried = self.pairs("carried", old.carried, new.carried)
        self.listed = dict(self.carried)
        if old.key and new.key:
            self.listed[old.key.name] = new.key.name
        self.events = self.pairs("events", old.events, new.events)
        self.commands = self.pairs("commands", old.commands, new.commands)
        self.errors = self.pairs("errors", old.own_errors, new.own_errors)

    def pairs(self, path: str, old: Iterable[str], new: Iterable[str]) -> Mapping[str, str]:
        """Return the new names of the parts at a path of the new chart, by their old names."""
        known = set(old)
        pairs = {}
        for name in new:
            was = self._new.renamed.get(f"{path}.{name}")
            before = was if was in known else name
            if before in known:
                pairs[before] = name
        return pairs

    def name_changes(
        self, path: str, old: Iterable[str], new: Iterable[str], how: str = ""
    ) -> Iterator[Change]:
        """Yield the parts at a path that were renamed or removed; ``how`` says how to keep one."""
        pairs, kind = self.pairs(path, old, new), KINDS[path.rpartition(".")[2]]
        for before, after in pairs.items():
            if before != after:
                yield Change(
                    f"{path}.{after}",
                    f"the {kind} {before} is called {after}",
                    implementations="use the new name",
                )
        added = [name for name in new if name not in pairs.values()]
        for name in old:
            if name not in pairs:
                yield Change(
                    f"{path}.{name}",
                    f"the {kind} {name} is gone",
                    implementations=f"use a {kind} that there is no more",
                    breaks=True,
                    remedy=_remedy(kind, name, added, how),
                )


def _remedy(kind: str, name: str, added: list[str], how: str) -> str:
    keep = f"keep the {kind}{how}"
    if not added:
        return keep
    return f"{keep}; if it has another name now, add was: {name} to {' or '.join(added)}"
