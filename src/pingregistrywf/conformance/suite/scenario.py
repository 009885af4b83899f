"""A scenario: what a case does, in the chart's terms, before its expected answers are known.

The levels write scenarios, and a failure is shrunk in them: any action may be left out, and what is
left is compiled again.  Arguments that a scenario does not give are ordinary ones, made from their
types; ``same`` and ``other`` mean against what the history carries at that point.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias, get_args

from pingregistrywf.chart.ir import Arguments

Json: TypeAlias = Any
Bound: TypeAlias = Literal["n", "n+1", "n+2", "n+3"]
BOUNDS: Final[tuple[Bound, ...]] = get_args(Bound)
"""How many states an implementation may have, if the chart has n, from the least to the most."""
WHOLE: Final[Bound] = "n+2"
"""The bound of the suite whose ids are written down; a greater bound adds cases to it."""

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""The digits of a ULID."""
VIDS: Final = ("no_vc", "retry_no_vc", "right", "stale", "epoch", "foreign", "future", "one", "two")
"""The versions that a command may be sent with; a ULID as text is another.

right is the head, stale the event before it, foreign the head of the case's next history, future
the last ULID that there is; one and two are the ULIDs 1 and 2, which mean nothing special here.
"""
RUN_VIDS: Final = ("", "right", "stale", "epoch", "foreign", "again")
"""The versions that an operation may be run with.

The empty text gives none.  foreign is the head of another of the case's histories, again the
version that the last run was given.
"""
SPOKEN_VIDS: Final[Mapping[str, str]] = {
    "no_vc": "without a vid",
    "retry_no_vc": "without a vid, to be retried",
    "right": "with the right vid",
    "stale": "with a stale vid",
    "epoch": "with the epoch as vid",
    "foreign": "with another history's vid",
    "future": "with a vid from the future",
    "one": "with the ULID 1 as vid",
    "two": "with the ULID 2 as vid",
}
"""How each kind of version is told in a title."""


def within(bound: Bound) -> tuple[Bound, ...]:
    """The bounds up to this one."""
    return BOUNDS[: BOUNDS.index(bound) + 1]


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell a command.

    Attributes:
        command: the command.
        arguments: any; or the same as carried, or others.
        args: arguments in place of the ordinary ones.
        differs: for others: the compared argument that differs; the first unless given.
        history: the number of the history, from 1.
        chart: the history's chart; the case's own unless given.
        key: of a keyed chart: the number of the entry, from 1.
        vid: one of ``VIDS``, or a ULID.
        server: the number of the instance, from 0.
    """

    command: str
    arguments: Arguments = Arguments.ANY
    args: Mapping[str, Json] = field(default_factory=dict)
    differs: str = ""
    history: int = 1
    chart: str = ""
    key: int = 1
    vid: str = "no_vc"
    server: int = 0


@dataclass(frozen=True, slots=True)
class Invalid:
    """Send a malformed command, which is refused before anything is looked at.

    Attributes:
        command: the command's name, or another value in its place.
        args: the whole of the arguments.
        vid: the version, sent as it stands; left out if None.
        history: the number of the history.
        id: a value to send in place of the history's id.
    """

    command: Json
    args: Json
    vid: Json = None
    history: int = 1
    id: Json = None


@dataclass(frozen=True, slots=True)
class Look:
    """Look at a history through one instance."""

    history: int = 1
    server: int = 0


@dataclass(frozen=True, slots=True)
class Collect:
    """Collect the journal's garbage with a clock so many days ahead."""

    days: int


@dataclass(frozen=True, slots=True)
class Decode:
    """Decode bytes.

    Attributes:
        data: the bytes, in hexadecimal.
        expect: the answer.
        either: another answer that is right, too; None if there is none.
    """

    data: str
    expect: Mapping[str, Json]
    either: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Race:
    """Tell a command through several instances at once.

    Attributes:
        command: the command.
        servers: how many instances.
        each: how many times each tells it.
        vid: no_vc or retry_no_vc.
    """

    command: str
    servers: int
    each: int
    vid: str


@dataclass(frozen=True, slots=True)
class Run:
    """Run a declared operation of several steps.

    Attributes:
        operation: its name.
        crash: kill the adapter right after this step; None to let it run to its end.
        steps: tell only so many of its steps, as commands: what an interrupted run leaves.
        vid: one of ``RUN_VIDS``; empty to give none.
        other: True to give other names than the first ones.
    """

    operation: str
    crash: int | None = None
    steps: int | None = None
    vid: str = ""
    other: bool = False


@dataclass(frozen=True, slots=True)
class Daemon:
    """Ask the adapter to be a daemon for once, at a time.

    Attributes:
        daemon: one of ping, gather, collect.
        now: so many milliseconds after an event.
        since: the carried value of the entry of the case's first history that is the event's id;
            unless given, that of the first event of the history.
        name: who posts.
        count: how many it posts in all.
        duration: from the first event to the summary, in milliseconds.
        server: the number of the instance, from 0.
        other: True to give other names than the first ones.
    """

    daemon: str
    now: int = 0
    since: str = ""
    name: str = "fs1"
    count: int = 3
    duration: int = 5
    server: int = 0
    other: bool = False


Action: TypeAlias = Tell | Invalid | Look | Collect | Decode | Race | Run | Daemon
_KINDS: Final = {each.__name__.lower(): each for each in get_args(Action)}


@dataclass(frozen=True)
class Scenario:
    """What a case does.

    Attributes:
        title: what it shows, in words.
        actions: what it does, in order.
        rule: what it is there for; the rule of its last action unless given.
        bound: for cases of the n-complete suite, the least bound that it belongs to.
        wire: True if the events' bytes are compared, too.
        servers: through how many instances each history is looked at after each action.
        level: the level that it belongs to; the suite sets it.
        chart: the chart that it is about; the suite sets it.
    """

    title: str
    actions: tuple[Action, ...]
    rule: str = ""
    bound: str = ""
    wire: bool = False
    servers: int = 1
    level: int = 1
    chart: str = ""


def to_text(scenario: Scenario) -> str:
    """A scenario's chart, level and actions as one line, to be run again."""
    head: dict[str, Json] = {"chart": scenario.chart, "level": scenario.level}
    head |= {"wire": True} if scenario.wire else {}
    head |= {"servers": scenario.servers} if scenario.servers > 1 else {}
    return json.dumps(head | {"do": [_as_json(action) for action in scenario.actions]})


def from_text(text: str) -> Scenario:
    """Read the line that ``to_text`` wrote.

    Raises:
        ValueError: it is not such a line.
    """
    try:
        head = json.loads(text)
        actions = tuple(_action(each) for each in head.pop("do"))
        if not actions:
            raise ValueError("it does nothing")
        if not all(_known_vid(each) for each in actions):
            raise ValueError("it names an unknown version")
        return Scenario(title="A replay.", actions=actions, **head)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        why = f" ({error})" if type(error) is ValueError else ""
        raise ValueError(
            f"not a scenario to replay{why}: copy the whole line of the report, quotes included"
        ) from None


def _as_json(action: Action) -> dict[str, Json]:
    first, *rest = fields(action)
    values = asdict(action)
    others = {each.name: values[each.name] for each in rest if values[each.name] != _default(each)}
    return {type(action).__name__.lower(): values[first.name], **others}


def _default(of: Field[Any]) -> Json:
    return of.default_factory() if of.default_factory is not MISSING else of.default


def _known_vid(action: Action) -> bool:
    """Whether the version to tell with is one that a scenario can name, or a ULID."""
    if isinstance(action, Run):
        return action.vid in RUN_VIDS
    vid = action.vid if isinstance(action, Tell) else VIDS[0]
    return vid in VIDS or (len(vid) == 26 and set(vid) <= set(CROCKFORD))


def _action(given: dict[str, Json]) -> Action:
    (kind,) = (name for name in _KINDS if name in given)
    first = fields(_KINDS[kind])[0].name
    values = {first: given[kind], **{key: value for key, value in given.items() if key != kind}}
    if "arguments" in values:
        values["arguments"] = Arguments(values["arguments"])
    made: Action = _KINDS[kind](**values)
    return made
