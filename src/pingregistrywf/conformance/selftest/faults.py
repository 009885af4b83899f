"""What goes wrong in journals and with data: faults, each put around a right implementation.

A fault changes requests on their way in or replies on their way out, and may remember.  None knows
the workflow: commands, events and fields are taken from what goes by.
"""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pingregistrywf.conformance.simulation import EPOCH
from pingregistrywf.conformance.suite.encoding import CROCKFORD

Json: TypeAlias = Any
Answer: TypeAlias = Callable[[Mapping[str, Json]], dict[str, Json]]
Change: TypeAlias = Callable[[Json], Json]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault.

    Attributes:
        group: its class: versions, journal, data, wire, index or servers.
        name: what it does, in words.
        around: puts it around an implementation.
        needs: the capability without which it changes nothing.
    """

    group: str
    name: str
    around: Callable[[Answer], Answer]
    needs: str = ""


def faults() -> Iterator[Fault]:
    """Every fault."""
    yield from _of_versions()
    yield from _of_journals()
    yield from _of_data()
    yield from _of_wire()
    yield from _of_indexes()
    yield from _of_servers()


# --- Ways to put a fault around -----------------------------------------------------------------


def _request(change: Callable[[dict[str, Json]], None], op: str = "exec") -> Any:
    """Requests of an op are changed on their way in."""

    def around(answer: Answer) -> Answer:
        def changed(request: Mapping[str, Json]) -> dict[str, Json]:
            if request["op"] == op:
                asked = copy.deepcopy(dict(request))
                change(asked)
                return answer(asked)
            return answer(request)

        return changed

    return around


def _reply(change: Callable[[Mapping[str, Json], dict[str, Json]], None], *ops: str) -> Any:
    """Replies to some ops are changed on their way out."""

    def around(answer: Answer) -> Answer:
        def changed(request: Mapping[str, Json]) -> dict[str, Json]:
            reply = answer(request)
            if request["op"] in ops:
                reply = copy.deepcopy(reply)
                change(request, reply)
            return reply

        return changed

    return around


def _ok(change: Callable[[dict[str, Json]], None], *ops: str) -> Any:
    """What is answered well to some ops is changed."""

    def if_ok(_: Mapping[str, Json], reply: dict[str, Json]) -> None:
        if "ok" in reply:
            change(reply["ok"])

    return _reply(if_ok, *ops)


def _everywhere(change: Change) -> Any:
    """Every value is changed wherever it is shown."""

    def all_of(ok: dict[str, Json]) -> None:
        for key, value in ok.items():
            ok[key] = _deep(change, value)

    return _ok(all_of, "exec", "find", "events")


def _arguments(change: Change) -> Any:
    """Every argument is changed on its way in."""

    def all_of(request: dict[str, Json]) -> None:
        request["args"] = _deep(change, request.get("args"))

    return _request(all_of)


def _deep(change: Change, value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _deep(change, each) for key, each in value.items()}
    if isinstance(value, list):
        return [_deep(change, each) for each in value]
    return change(value)


def _text(change: Callable[[str], str]) -> Change:
    return lambda value: change(value) if isinstance(value, str) else value


def _number(change: Callable[[int], int]) -> Change:
    return lambda value: change(value) if type(value) is int else value


def _error(old: str, new: str, *ops: str) -> Any:
    """One error is answered in place of another."""

    def other(_: Mapping[str, Json], reply: dict[str, Json]) -> None:
        if reply.get("error", {}).get("code") == old:
            reply["error"]["code"] = new

    return _reply(other, *(ops or ("exec",)))


# --- Versions -----------------------------------------------------------------------------------


def _of_versions() -> Iterator[Fault]:
    def fault(name: str, around: Callable[[Answer], Answer]) -> Fault:
        return Fault("versions", name, around, "versions")

    def none(request: dict[str, Json]) -> None:
        request.pop("vid", None)

    def only(text: str) -> Callable[[dict[str, Json]], None]:
        def drop(request: dict[str, Json]) -> None:
            if request.get("vid") == text:
                del request["vid"]

        return drop

    def noop(ok: dict[str, Json]) -> None:
        if not ok["events"]:
            ok["vid"] = EPOCH

    def swapped(_: Mapping[str, Json], reply: dict[str, Json]) -> None:
        error = reply.get("error", {})
        if "stored" in error:
            error["stored"], error["expected"] = error["expected"], error["stored"]

    yield fault("no version check", _request(none))
    yield fault("the epoch is taken as any version", _request(only(EPOCH)))
    yield fault("the ULID 1 is taken as no_vc", _request(only(f"{1:026d}")))
    yield fault("the ULID 2 is taken as retry_no_vc", _request(only(f"{2:026d}")))
    yield fault("a noop answers the epoch", _ok(noop, "exec"))
    yield fault("stored and expected are mixed up", _reply(swapped, "exec"))
    yield fault("the state is checked before the version", _state_first)
    yield fault("older versions of a history are accepted", _older_versions)
    yield fault("versions of other histories are accepted", _foreign_versions)
    yield fault("a version conflict is said to be indefinite", _reply(_indefinite, "exec"))


def _indefinite(_: Mapping[str, Json], reply: dict[str, Json]) -> None:
    if "error" in reply:
        reply["error"]["definite"] = False


def _state_first(answer: Answer) -> Answer:
    """A stale version is complained about only if the chart would accept the command."""

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(request)
        if reply.get("error", {}).get("code") != "VersionConflict":
            return reply
        # Where the chart accepts the command it takes effect, which is as wrong.
        tried = answer({key: value for key, value in request.items() if key != "vid"})
        return tried if "error" in tried else reply

    return changed


def _whose(request: Mapping[str, Json]) -> dict[str, Json]:
    return {
        key: value for key, value in request.items() if key not in ("op", "command", "args", "vid")
    }


def _older_versions(answer: Answer) -> Answer:
    seen: dict[str, set[str]] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        known = seen.setdefault(_history(request), set())
        if request["op"] == "exec" and request.get("vid") in known:
            request = {key: value for key, value in request.items() if key != "vid"}
        reply = answer(request)
        known.update(event["id"] for event in reply.get("ok", {}).get("events", ()))
        return reply

    return changed


def _foreign_versions(answer: Answer) -> Answer:
    heads: dict[str, str] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        here = _history(request)
        others = {vid for name, vid in heads.items() if name != here}
        if request["op"] == "exec" and request.get("vid") in others:
            request = {key: value for key, value in request.items() if key != "vid"}
        reply = answer(request)
        if request["op"] == "exec" and "vid" in reply.get("ok", {}):
            heads[here] = reply["ok"]["vid"]
        return reply

    return changed


def _history(request: Mapping[str, Json]) -> str:
    return str(request.get("workflow", request.get("index")))


# --- Journals -----------------------------------------------------------------------------------


def _of_journals() -> Iterator[Fault]:
    def fault(name: str, around: Callable[[Answer], Answer], needs: str = "") -> Fault:
        return Fault("journal", name, around, needs)

    def at_the_end(change: Callable[[list[Json]], None]) -> Any:
        return _ok(lambda ok: change(ok["events"]), "events")

    def lost(events: list[Json]) -> None:
        del events[1:2]

    def last(events: list[Json]) -> None:
        del events[2:]

    def doubled(events: list[Json]) -> None:
        events += events[-1:]

    def orphaned(ok: dict[str, Json]) -> None:
        for event in ok.get("events", ())[-1:]:
            event["parent"] = EPOCH

    def parent_is_itself(ok: dict[str, Json]) -> None:
        for event in ok.get("events", ()):
            event["parent"] = event["id"]

    def silent(ok: dict[str, Json]) -> None:
        ok["events"] = []

    def unfielded(ok: dict[str, Json]) -> None:
        for event in ok["events"]:
            event["fields"] = {}

    yield fault("lost event", at_the_end(lost))
    yield fault("only the first two events are kept", at_the_end(last))
    yield fault("doubled event", at_the_end(doubled))
    yield fault("events in the wrong order", at_the_end(lambda events: events.reverse()))
    yield fault("wrong parent", _ok(orphaned, "exec", "events"))
    yield fault("an event is its own parent", _ok(parent_is_itself, "exec", "events"))
    yield fault("ids do not grow", _shrinking_ids)
    yield fault("what was appended is not answered", _ok(silent, "exec"))
    yield fault("events are stored without their fields", _ok(unfielded, "events"))
    yield fault("state not rolled back after a refusal", _not_rolled_back)
    yield fault("a deleted history can be read", _undead, "delete")
    yield fault("a deleted history's id is free at once", _free_at_once, "delete")
    yield fault("histories leak into each other", _leaking)
    yield fault("the state found is one command behind", _behind)


def _shrinking_ids(answer: Answer) -> Answer:
    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        asked = {key: _mirrored(value) if key == "vid" else value for key, value in request.items()}
        reply = answer(asked)
        return {
            key: value if key == "id" else _deep(_mirrored, value) for key, value in reply.items()
        }

    return changed


def _mirrored(value: Json) -> Json:
    """A ULID, counted from the other end; anything else as it is."""
    if not isinstance(value, str) or len(value) != len(EPOCH) or value == EPOCH:
        return value
    if not set(value) <= set(CROCKFORD):
        return value
    tops = (7, *(31,) * (len(EPOCH) - 1))
    return "".join(
        CROCKFORD[top - CROCKFORD.index(digit)] for top, digit in zip(tops, value, strict=True)
    )


def _not_rolled_back(answer: Answer) -> Answer:
    """A refused command leaves an event behind."""
    left: dict[str, list[Json]] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = copy.deepcopy(answer(request))
        here = _history(request)
        if request["op"] == "exec" and "error" in reply:
            history = answer({**_whose(request), "op": "events"}).get("ok", {}).get("events", [])
            left[here] = [history[-1]] if history else []
        if request["op"] == "events" and "ok" in reply:
            reply["ok"]["events"] += left.get(here, [])
        return reply

    return changed


def _undead(answer: Answer) -> Answer:
    last: dict[str, dict[str, Json]] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(request)
        key = f"{request['op']} {_history(request)}"
        if request["op"] in ("find", "events"):
            gone = "error" in reply or reply["ok"].get("events") == []
            if gone and key in last:
                return {**last[key], "id": reply["id"]}
            if not gone:
                last[key] = copy.deepcopy(reply)
        return reply

    return changed


def _free_at_once(answer: Answer) -> Answer:
    lives: dict[str, int] = {}

    def named(request: Mapping[str, Json]) -> Mapping[str, Json]:
        life = lives.get(_history(request), 0)
        if not life or "workflow" not in request:
            return request
        name = request["workflow"]
        return {**request, "workflow": f"{name[:-12]}{int(name[-12:], 16) ^ life:012x}"}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(named(request))
        if reply.get("error", {}).get("code") == "HistoryDeleted":
            lives[_history(request)] = lives.get(_history(request), 0) + 1
            return answer(named(request))
        return reply

    return changed


def _leaking(answer: Answer) -> Answer:
    """What is found of one history is what was found last of any that is in the same state."""
    last: dict[Json, Json] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = copy.deepcopy(answer(request))
        if request["op"] == "find" and "ok" in reply:
            found = reply["ok"]
            state = found.get("state")
            known = last.get(state)
            last[state] = copy.deepcopy(found)
            if known is not None and state is not None:
                reply["ok"] = {**known, "vid": found["vid"]}
        return reply

    return changed


def _behind(answer: Answer) -> Answer:
    last: dict[str, Json] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(request)
        if request["op"] != "find":
            return reply
        before = last.get(_history(request), reply)
        last[_history(request)] = copy.deepcopy(reply)
        return {**before, "id": reply["id"]}

    return changed


# --- Data ---------------------------------------------------------------------------------------


def _of_data() -> Iterator[Fault]:
    def fault(name: str, around: Callable[[Answer], Answer]) -> Fault:
        return Fault("data", name, around)

    def texts(name: str, change: Callable[[str], str]) -> Fault:
        return fault(name, _everywhere(_text(change)))

    def numbers(name: str, change: Callable[[int], int]) -> Fault:
        return fault(name, _everywhere(_number(change)))

    yield texts("truncated message: 255 characters", lambda text: text[:255])
    yield texts("truncated message: 64 KiB", lambda text: text[: 1 << 16])
    yield texts("text ends at the first zero byte", lambda text: text.split("\0")[0])
    yield texts("text is composed", lambda text: unicodedata.normalize("NFC", text))
    yield texts("text is decomposed", lambda text: unicodedata.normalize("NFD", text))
    yield texts("white space around is lost", str.strip)
    yield texts("ends of lines are made alike", lambda text: text.replace("\r\n", "\n"))
    yield texts(
        "what is beyond sixteen bits is lost",
        lambda text: "".join(each for each in text if ord(each) < 1 << 16),
    )
    yield texts("byte order marks are lost", lambda text: text.replace("\ufeff", ""))
    yield texts("non-ASCII is lost", lambda text: text.encode("ascii", "replace").decode())
    yield texts(
        "control characters are lost",
        lambda text: "".join(each for each in text if unicodedata.category(each) != "Cc"),
    )
    yield numbers("sign lost", abs)
    yield numbers("number cut to 16 bits", lambda value: (value + 0x8000 & 0xFFFF) - 0x8000)
    yield numbers("number without sign", lambda value: value & 0xFFFF_FFFF)
    yield numbers("number kept as a float", float)  # type: ignore[arg-type]
    yield numbers("the least number overflows", lambda value: max(value, 1 - (1 << 31)))
    yield fault("lists end at 100", _lists(lambda each: each[:100]))
    yield fault("lists in the wrong order", _lists(lambda each: each[::-1]))
    yield fault("only the newest of a list is kept", _lists(lambda each: each[-1:]))
    yield fault("what was set is lost again", _ok(_forgetful, "find"))
    yield fault("what was not set is made up", _ok(_inventive, "find"))
    yield fault("numbers are read loosely", _arguments(_loose_number))
    yield fault("unpaired surrogates are replaced", _arguments(_text(_replaced)))
    yield fault("ids are read loosely", _arguments(_text(_loose_id)))
    yield fault("arguments that are missing are made up", _made_up)
    yield fault("arguments that are unknown are ignored", _ignored)
    yield fault("malformed versions are taken as none", _request(_loose_vid))
    yield fault("the version is looked at before the arguments", _late_arguments)
    yield fault("an error names the argument as the chart does", _reply(_snake_arg, "exec"))


def _lists(change: Callable[[list[Json]], list[Json]]) -> Any:
    def all_of(ok: dict[str, Json]) -> None:
        for key, value in ok.items():
            if isinstance(value, list):
                ok[key] = change(value)

    return _ok(all_of, "find")


def _forgetful(found: dict[str, Json]) -> None:
    for key, value in found.items():
        if isinstance(value, dict):
            found[key] = None


def _inventive(found: dict[str, Json]) -> None:
    for key, value in found.items():
        if value is None:
            found[key] = ""


def _loose_number(value: Json) -> Json:
    if isinstance(value, bool | float) and value == int(value):
        return int(value)
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value


def _replaced(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _loose_id(text: str) -> str:
    bare = text.lower().strip("{}\n").removeprefix("urn:uuid:").replace("-", "")
    if len(bare) != 32 or not all(each in "0123456789abcdef" for each in bare):
        return text
    return "-".join((bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:]))


def _remembering(change: Callable[[Mapping[str, Json], Json], Json]) -> Any:
    """Arguments are changed by what the same command was told with before."""

    def around(answer: Answer) -> Answer:
        known: dict[Json, Mapping[str, Json]] = {}

        def changed(request: Mapping[str, Json]) -> dict[str, Json]:
            if request["op"] == "exec" and isinstance(request.get("args"), dict):
                command = request.get("command")
                before = known.get(str(command), {})
                asked = {**request, "args": change(before, request["args"])}
                reply = answer(asked)
                if "ok" in reply:
                    known[str(command)] = dict(asked["args"])
                return reply
            return answer(request)

        return changed

    return around


_made_up = _remembering(lambda known, args: {**known, **args})
_ignored = _remembering(
    lambda known, args: {key: value for key, value in args.items() if key in known or not known}
)


def _loose_vid(request: dict[str, Json]) -> None:
    vid = request.get("vid")
    if vid not in ("no_vc", "retry_no_vc") and not (isinstance(vid, str) and len(vid) == 26):
        request.pop("vid", None)


def _late_arguments(answer: Answer) -> Answer:
    """A version that is wrong is complained about even if the arguments are malformed."""

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(request)
        invalid = reply.get("error", {}).get("code") == "InvalidCommand"
        if request["op"] == "exec" and invalid and request.get("vid", "").isdigit():
            return {**reply, "error": {**reply["error"], "code": "VersionConflict"}}
        return reply

    return changed


def _snake_arg(_: Mapping[str, Json], reply: dict[str, Json]) -> None:
    error = reply.get("error", {})
    if "arg" in error:
        error["arg"] = error["arg"].lower()


# --- Wire ---------------------------------------------------------------------------------------


def _of_wire() -> Iterator[Fault]:
    def fault(name: str, around: Callable[[Answer], Answer]) -> Fault:
        return Fault("wire", name, around, "wire")

    def written(change: Callable[[str], str]) -> Any:
        def all_of(ok: dict[str, Json]) -> None:
            for event in ok.get("events", ()):
                event["wire"] = change(event["wire"])

        return _ok(all_of, "exec", "events")

    def read(change: Callable[[str], str]) -> Any:
        def bytes_of(request: dict[str, Json]) -> None:
            request["bytes"] = change(request["bytes"])

        return _request(bytes_of, "decode")

    yield fault(
        "a negative number in five bytes",
        written(lambda text: text.replace("f" * 17 + "01", "f" * 7 + "0f")),
    )
    yield fault("the last byte is not written", written(lambda text: text[:-2]))
    yield fault("the last byte is not read", read(lambda text: text[:-2]))
    yield fault("bytes in capitals", written(str.upper))
    yield fault("foreign events are malformed", _error("EventType", "Malformed", "decode"))
    yield fault("malformed events are foreign", _error("Malformed", "EventType", "decode"))
    yield fault("what is malformed is corrupted", _error("Malformed", "CorruptedData", "decode"))
    yield fault("the parent is not read", _reply(_parentless, "decode"))
    yield fault("malformed bytes are read as what was read last", _lenient)


def _parentless(_: Mapping[str, Json], reply: dict[str, Json]) -> None:
    if "ok" in reply:
        reply["ok"]["event"]["parent"] = EPOCH


def _lenient(answer: Answer) -> Answer:
    last: list[Json] = []

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(request)
        if request["op"] == "decode":
            if "ok" in reply:
                last[:] = [reply["ok"]]
            elif last and reply["error"]["code"] == "Malformed":
                return {"id": reply["id"], "ok": last[0]}
        return reply

    return changed


# --- Indexes ------------------------------------------------------------------------------------


def _of_indexes() -> Iterator[Fault]:
    def fault(name: str, around: Callable[[Answer], Answer]) -> Fault:
        return Fault("index", name, around, "index")

    def lists(change: Callable[[dict[str, list[Json]]], None]) -> Any:
        def of_index(request: Mapping[str, Json], reply: dict[str, Json]) -> None:
            if "index" in request and "ok" in reply:
                change(reply["ok"])

        return _reply(of_index, "find")

    def each_list(found: dict[str, list[Json]]) -> Iterator[list[Json]]:
        return (value for value in found.values() if isinstance(value, list))

    def backwards(found: dict[str, list[Json]]) -> None:
        for each in each_list(found):
            each.reverse()

    def short(found: dict[str, list[Json]]) -> None:
        for each in each_list(found):
            del each[1:]

    def merged(found: dict[str, list[Json]]) -> None:
        listed = list(each_list(found))
        for each in listed[1:]:
            listed[0] += each

    yield fault("lists are not sorted", lists(backwards))
    yield fault("one entry hides the others", lists(short))
    yield fault("what is over is listed as active, too", lists(merged))
    yield fault("a snapshot loses its entries", _reply(_unlisted, "exec", "events"))
    yield fault("a snapshot says nothing of its refusal", _reply(_unrefused, "exec"))
    yield fault(
        "what is not known is a conflict of states", _error("UnknownWorkflow", "StateConflict")
    )


def _unlisted(request: Mapping[str, Json], reply: dict[str, Json]) -> None:
    if "index" in request and "ok" in reply:
        for event in reply["ok"]["events"]:
            for value in event["fields"].values():
                if isinstance(value, list):
                    value.clear()


def _unrefused(request: Mapping[str, Json], reply: dict[str, Json]) -> None:
    if "index" in request and reply.get("error", {}).get("code") in (
        "SmallStorageReduction",
        "TooManyWorkflows",
    ):
        answer = {"vid": EPOCH, "events": []}
        reply["ok"] = answer
        del reply["error"]


# --- Several servers ----------------------------------------------------------------------------


def _of_servers() -> Iterator[Fault]:
    def fault(name: str, around: Callable[[Answer], Answer], needs: str = "multi_server") -> Fault:
        return Fault("servers", name, around, needs)

    yield fault("stale cache: an instance finds what it found first", _stale("find"))
    yield fault("stale cache: an instance reads what it read first", _stale("events"))
    yield fault("an instance sees only what it did itself", _blind)
    yield fault("garbage collection does nothing", _no_collection, "gc")
    yield fault("an acknowledged command is lost in a race", _lost_in_race, "concurrent")


def _stale(op: str) -> Callable[[Answer], Answer]:
    def around(answer: Answer) -> Answer:
        known: dict[Json, Json] = {}

        def changed(request: Mapping[str, Json]) -> dict[str, Json]:
            reply = answer(request)
            server = request.get("server", "s0")
            if request["op"] == op and server != "s0" and "ok" in reply:
                first = known.setdefault((server, _history(request)), copy.deepcopy(reply))
                return {**first, "id": reply["id"]}
            return reply

        return changed

    return around


def _blind(answer: Answer) -> Answer:
    own: dict[Json, int] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        reply = answer(request)
        key = (request.get("server", "s0"), _history(request))
        if request["op"] == "exec" and "ok" in reply:
            own[key] = own.get(key, 0) + len(reply["ok"]["events"])
        if request["op"] == "events" and "ok" in reply and not own.get(key):
            return {**reply, "ok": {"events": []}}
        return reply

    return changed


def _no_collection(answer: Answer) -> Answer:
    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        if request["op"] == "gc":
            return {"id": request["id"], "ok": {}}
        return answer(request)

    return changed


def _lost_in_race(answer: Answer) -> Answer:
    """Of what two instances append in turns, the second is acknowledged and dropped."""
    last: dict[str, str] = {}

    def changed(request: Mapping[str, Json]) -> dict[str, Json]:
        server = str(request.get("server", "s0"))
        before = last.get(_history(request), server)
        if request["op"] == "exec":
            last[_history(request)] = server
            if server not in ("s0", before) and request.get("vid") == "retry_no_vc":
                find = answer({**_whose(request), "op": "events"})
                events = find.get("ok", {}).get("events", [])
                if events:
                    ok = {"vid": events[-1]["id"], "events": events[-1:]}
                    return {"id": request["id"], "ok": ok}
        return answer(request)

    return changed
