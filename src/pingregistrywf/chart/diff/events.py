"""Changes of events: what their bytes say, where they lead, and where replay accepts them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from pingregistrywf.chart.diff.change import Change
from pingregistrywf.chart.diff.pairing import Pairing
from pingregistrywf.chart.ir import Carry, Chart, Choice, Event, EventField, Listing, Outcome

UPDATE_READERS: Final = "refuse histories that hold it, so update them first"
DEVIATE: Final = "deviate until they do the same"
NEW_EVENT: Final = "keep the event, and add another one"

Followed: TypeAlias = Mapping[tuple[str, str], str]
"""Pairs of state and event that replay accepts, each with a command that emits or emitted it."""


def event_changes(old: Chart, new: Chart, pairing: Pairing) -> Iterator[Change]:
    """Yield the changes of events, and of the states in which they are accepted."""
    yield from _names(old, new, pairing)
    for before, after in pairing.events.items():
        comparison = _Comparison(pairing, old.events[before], new.events[after])
        yield from comparison.changes()
    yield from _numbers_used_again(old, new)
    yield from _following(old, new, pairing)


def _names(old: Chart, new: Chart, pairing: Pairing) -> Iterator[Change]:
    added = {name: each for name, each in new.events.items() if name not in pairing.events.values()}
    for change in pairing.name_changes("events", old.events, new.events):
        if not change.breaks:
            yield change
            continue
        gone = old.events[change.path.rpartition(".")[2]]
        same = [name for name, each in added.items() if _mark(each) == _mark(gone)]
        remedy = "keep the event, and retire the rules that emit it (retired: true)"
        if same:
            remedy = f"add was: {gone.name} to {same[0]}, which has its number"
        yield Change(
            change.path,
            change.what,
            stored="are read by another name" if same else "are refused where they hold it",
            implementations="use an event that there is no more",
            breaks=True,
            remedy=remedy,
        )
    for name in added:
        yield Change(
            f"events.{name}",
            f"the event {name} is new",
            readers=UPDATE_READERS,
            implementations="deviate until they have it",
        )


def _mark(event: Event) -> tuple[object, ...]:
    """What tells an event from others on the wire."""
    return (event.number, tuple(sorted(event.when.items())))


class _Comparison:
    """An event in two versions of a chart."""

    def __init__(self, pairing: Pairing, before: Event, after: Event) -> None:
        self._pairing = pairing
        self._before = before
        self._after = after
        self._path = f"events.{after.name}"
        self._fields = pairing.pairs(f"{self._path}.fields", before.fields, after.fields)

    def changes(self) -> Iterator[Change]:
        before, after = self._before, self._after
        if before.number != after.number:
            yield self._broken(
                "wire",
                f"its number is {after.number}, and was {before.number}",
                "are refused where they hold it",
            )
        if before.wire_name != after.wire_name:
            what = f"its enum value is called {after.wire_name}, and was {before.wire_name}"
            yield Change(f"{self._path}.wire", what, implementations="use the new name")
        when = {self._fields.get(name): sign for name, sign in before.when.items()}
        if when != after.when:
            yield self._broken("when", "other bytes are this event", "are read as other events")
        if before.rewrite != after.rewrite:
            yield self._broken("rewrite", "it has another part in snapshots", "are refused")
        if before.to is not None and self._pairing.states.get(before.to) != after.to:
            yield self._broken(
                "to",
                f"it leads to {after.to}, and led to {before.to}",
                "are read into another state, or refused",
            )
        if before.other_forms != after.other_forms:
            what = "other fields of its number's other forms are checked"
            yield Change(f"{self._path}.other_forms", what, implementations=DEVIATE)
        yield from self._carries()
        yield from self._listing()
        yield from self._field_changes()

    def _broken(
        self, key: str, what: str, stored: str, readers: str = "read new histories otherwise"
    ) -> Change:
        return Change(
            f"{self._path}.{key}",
            what,
            stored=stored,
            readers=readers,
            implementations=DEVIATE,
            breaks=True,
            remedy=NEW_EVENT,
        )

    # --- What it carries --------------------------------------------------------------------------

    def _carries(self) -> Iterator[Change]:
        kept = self._pairing.carried
        before = {
            kept[each.carried]: self._renamed(each)
            for each in self._before.carries
            if each.carried in kept
        }
        after = {each.carried: each for each in self._after.carries}
        for name in [*before, *(each for each in after if each not in before)]:
            if name not in kept.values():
                what, stored = f"it carries {name}, which is new", "have it, from their events"
                yield Change(f"{self._path}.carries.{name}", what, stored, implementations=DEVIATE)
            elif before.get(name) != after.get(name):
                yield self._broken(
                    f"carries.{name}",
                    f"it changes {name} in another way",
                    "are read with another value",
                    "as before",
                )

    def _renamed(self, carry: Carry) -> Carry:
        """What an old event carries, by the new names of fields."""
        fields, sources = self._fields, carry.sources
        update = {
            "carried": self._pairing.carried[carry.carried],
            "field": carry.field and fields.get(carry.field, carry.field),
            "sources": sources and {key: fields.get(each, each) for key, each in sources.items()},
        }
        return carry.model_copy(update=update)

    def _listing(self) -> Iterator[Change]:
        before, after = self._renamed_listing(), self._after.listing
        if before == after:
            return
        if before and after:
            kept = {name: each for name, each in after.fields.items() if name in before.fields}
            if before == after.model_copy(update={"fields": kept}):
                what = "its entries have more fields"
                yield Change(
                    f"{self._path}.listing",
                    what,
                    stored="have them as zero after an older snapshot",
                    readers="ignore them",
                    implementations=DEVIATE,
                )
                return
        yield self._broken("listing", "its entries have another form", "are read otherwise")

    def _renamed_listing(self) -> Listing | None:
        """What an old snapshot lists, by the new names of values and states."""
        listing, pairing = self._before.listing, self._pairing
        if listing is None:
            return None
        values = {name: pairing.listed.get(name, name) for name in listing.fields}
        fields = {values[name]: each for name, each in listing.fields.items()}
        states = [
            Choice(
                state=pairing.states.get(each.state, each.state),
                carried=each.carried and values.get(each.carried, each.carried),
            )
            for each in listing.states
        ]
        named = {name: each.model_copy(update={"name": name}) for name, each in fields.items()}
        return listing.model_copy(update={"fields": named, "states": states})

    # --- Its fields -------------------------------------------------------------------------------

    def _field_changes(self) -> Iterator[Change]:
        path = f"{self._path}.fields"
        old, new = self._before.fields, self._after.fields
        yield from self._pairing.name_changes(path, old, new)
        for name, field in new.items():
            if name not in self._fields.values():
                yield self._added(f"{path}.{name}", field)
        for before, after in self._fields.items():
            yield from self._field(f"{path}.{after}", old[before], new[after])

    def _added(self, path: str, field: EventField) -> Change:
        def added(what: str, stored: str, remedy: str = "") -> Change:
            return Change(
                path,
                f"the field is new{what}",
                stored=stored,
                readers="ignore it",
                implementations="deviate until they write it",
                breaks=bool(remedy),
                remedy=remedy,
            )

        if field.default is not None:
            what = f", with a default for older events: {field.default}"
            return added(what, "have the default")
        lacking = "are refused, because their events lack it"
        if field.required:
            return added(", and required", lacking, "remove required")
        if field.nonzero:
            remedy = "add default: VALUE, the value that it has in older events"
            return added(", and must not be zero, empty or nil", lacking, remedy)
        return added("", "have it as zero, empty or nil")

    def _field(self, path: str, before: EventField, after: EventField) -> Iterator[Change]:
        if before.type is not after.type or before.wire != after.wire:
            what = f"it is of type {after.type} and number {after.wire}"
            yield Change(
                path,
                f"{what}, and was of type {before.type} and number {before.wire}",
                stored="are read wrongly, or refused",
                readers="read new histories wrongly, or refuse them",
                implementations=DEVIATE,
                breaks=True,
                remedy="keep the field, and add another one",
            )
            return
        if after.nonzero and not before.nonzero:
            yield self._nonzero(path, before, after)
        elif before.nonzero and not after.nonzero:
            yield Change(
                path,
                "it may be zero, empty or nil",
                readers="refuse histories in which it is, so update them first",
                implementations=DEVIATE,
            )
        if after.required and not before.required:
            yield Change(
                path,
                "it is required",
                stored="are refused where it is absent",
                implementations=DEVIATE,
                breaks=True,
                remedy="remove required",
            )
        elif before.required and not after.required:
            readers = "refuse histories in which it is, so update them first"
            yield Change(path, "it may be absent", readers=readers, implementations=DEVIATE)
        if before.default != after.default:
            yield self._default(path, before, after)

    def _nonzero(self, path: str, before: EventField, after: EventField) -> Change:
        what = "it must not be zero, empty or nil any more"
        # Zero is absent from the bytes, unless it is an id or the field had a default already.
        absent = before.default is None and not before.type.is_id
        if absent and after.default is not None:
            stored = f"have {after.default} where it was zero"
            return Change(path, what, stored, implementations=DEVIATE)
        remedy = "write nonzero: true on the arguments only"
        if absent:
            remedy += ", or add default: VALUE, which takes the place of stored zeros"
        return Change(
            path,
            what,
            stored="are refused where it was",
            implementations=DEVIATE,
            breaks=True,
            remedy=remedy,
        )

    def _default(self, path: str, before: EventField, after: EventField) -> Change:
        what = f"its default is {after.default}, and was {before.default}"
        if before.default is None:
            what = f"it has a default: {after.default}"
            if before.nonzero or before.required or after.nonzero:
                return Change(path, what, "have it where the field is absent")
        elif after.default is None:
            what = f"its default is gone: {before.default}"
        return Change(
            path,
            what,
            stored="are read with another value where it is absent",
            readers="read another value where it is absent",
            implementations=DEVIATE,
            breaks=True,
            remedy="keep it as it was",
        )


# --- Together -------------------------------------------------------------------------------------


def _numbers_used_again(old: Chart, new: Chart) -> Iterator[Change]:
    """Yield the fields that have the number of another field.

    All events are one message, so that the field need not be of the same event.
    """
    earlier = {each.wire: each.name for _, each in _fields(old)}
    renamed = {(path.rpartition(".")[2], was) for path, was in new.renamed.items()}
    seen: set[int] = set()
    for event, field in _fields(new):
        was = earlier.get(field.wire, field.name)
        if was == field.name or (field.name, was) in renamed or field.wire in seen:
            continue
        seen.add(field.wire)
        yield Change(
            f"events.{event.name}.fields.{field.name}",
            f"the field has the number {field.wire}, which was that of {was}",
            stored="are read wrongly, or refused",
            readers="read new histories wrongly, or refuse them",
            implementations=DEVIATE,
            breaks=True,
            remedy=f"write a number that was never used; or add was: {was}, if it is that field",
        )


def _fields(chart: Chart) -> Iterator[tuple[Event, EventField]]:
    return ((event, each) for event in chart.events.values() for each in event.fields.values())


# --- Where replay accepts them --------------------------------------------------------------------


def _following(old: Chart, new: Chart, pairing: Pairing) -> Iterator[Change]:
    states, events = pairing.states, pairing.events
    emitted, legal = _emitted(new), _emitted(new) | _retired(new)
    before: dict[tuple[str, str], str] = {
        (states[state], events[event]): command
        for (state, event), command in (_retired(old) | _emitted(old)).items()
        if state in states and event in events
    }
    for (state, event), command in before.items():
        if (state, event) not in legal:
            rule = f"{{in: [{state}], emit: {event}, retired: true}}"
            command = pairing.commands.get(command, command)
            owner = f"to the command {command}" if command in new.commands else "to a command"
            yield Change(
                f"events.{event}",
                f"it is not accepted in {state} any more",
                stored="are refused where they have it there",
                implementations="deviate until they refuse the command",
                breaks=True,
                remedy=f"add the rule {rule} {owner}",
            )
        elif (state, event) not in emitted and (state, event) in _mapped(_emitted(old), pairing):
            yield Change(
                f"events.{event}",
                f"no command emits it in {state} any more; its rule is retired",
                implementations="deviate until they refuse the command",
            )
    added = [pair for pair in legal if pair not in before]
    for state, event in added:
        if state in states.values() and event in events.values():
            yield Change(
                f"events.{event}",
                f"it is accepted in {state}, too",
                readers="refuse histories that have it there, so update them first",
                implementations=DEVIATE,
            )


def _mapped(pairs: Followed, pairing: Pairing) -> set[tuple[str | None, str | None]]:
    return {(pairing.states.get(state), pairing.events.get(event)) for state, event in pairs}


def _emitted(chart: Chart) -> dict[tuple[str, str], str]:
    return {
        (cell.state, cell.event): cell.command
        for cell in chart.table
        if cell.event and cell.outcome is Outcome.EMIT
    }


def _retired(chart: Chart) -> dict[tuple[str, str], str]:
    return {
        (state, event.name): "" for event in chart.events.values() for state in event.retired_in
    }
