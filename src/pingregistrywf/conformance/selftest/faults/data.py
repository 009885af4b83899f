"""Faults of data, of bytes, and of keyed charts: what goes in comes out otherwise."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

from pingregistrywf.conformance.oracle import EPOCH
from pingregistrywf.conformance.selftest.faults.around import (
    Answer,
    Around,
    Json,
    Message,
    Table,
    between,
    if_number,
    if_text,
    on_arguments,
    on_error,
    on_ok,
    on_request,
    on_values,
    other_error,
)
from pingregistrywf.conformance.selftest.faults.histories import ignored_version

# --- Arguments and fields ------------------------------------------------------------------------


def texts(change: Callable[[str], str]) -> Around:
    """Every text is changed wherever it is shown."""
    return on_values(if_text(change))


def numbers(change: Callable[[int], int | float]) -> Around:
    """Every whole number is changed wherever it is shown."""
    return on_values(if_number(change))


def on_found(change: Callable[[Json], Json]) -> Around:
    """Each part of what is found is changed."""
    return on_ok(lambda ok: ok.update({key: change(value) for key, value in ok.items()}), "find")


def lists(change: Callable[[list[Json]], list[Json]]) -> Around:
    """Each list that is found is changed."""
    return on_found(lambda value: change(value) if isinstance(value, list) else value)


def _without_control_characters(text: str) -> str:
    return "".join(each for each in text if unicodedata.category(each) != "Cc")


def _loose_number(value: Json) -> Json:
    if isinstance(value, bool | float) and value == int(value):
        return int(value)
    return int(value) if isinstance(value, str) and value.isdigit() else value


def _without_surrogates(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _loose_id(text: str) -> str:
    bare = text.lower().strip("{}\n").removeprefix("urn:uuid:").replace("-", "")
    if len(bare) != 32 or not all(each in "0123456789abcdef" for each in bare):
        return text
    return "-".join((bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:]))


def _loose_version(vid: Json) -> bool:
    well_formed = isinstance(vid, str) and len(vid) == 26
    return not well_formed and vid not in ("no_vc", "retry_no_vc")


def remembering(change: Callable[[Message, Message], Message]) -> Around:
    """Arguments are changed by those that the same command had before."""

    @between("exec")
    def around(answer: Answer, request: Message, known: dict[str, Message]) -> Message:
        if not isinstance(request.get("args"), dict):
            return answer(request)
        command = str(request.get("command"))
        request["args"] = change(known.get(command, {}), request["args"])
        reply = answer(request)
        if "ok" in reply:
            known[command] = request["args"]
        return reply

    return around


def _without_unknown(known: Message, args: Message) -> Message:
    return {key: value for key, value in args.items() if key in known or not known}


@between("exec")
def _version_first(answer: Answer, request: Message, _: object) -> Message:
    """A version that is wrong is complained about even if the arguments are malformed."""
    reply = answer(request)
    invalid = reply.get("error", {}).get("code") == "InvalidCommand"
    if invalid and request.get("vid", "").isdigit():
        reply["error"]["code"] = "VersionConflict"
    return reply


def _lower_argument(error: Message) -> None:
    if "arg" in error:
        error["arg"] = error["arg"].lower()


# --- Bytes ---------------------------------------------------------------------------------------


def written(change: Callable[[str], str]) -> Around:
    """An event's bytes are changed when they are shown."""

    def all_of(ok: Message) -> None:
        for event in ok.get("events", ()):
            event["wire"] = change(event["wire"])

    return on_ok(all_of, "exec", "events")


def read(change: Callable[[str], str]) -> Around:
    """Bytes are changed before they are decoded."""
    return on_request(lambda request: request.update(bytes=change(request["bytes"])), "decode")


@between("decode")
def _lenient(answer: Answer, request: Message, last: dict[str, Json]) -> Message:
    reply = answer(request)
    if "ok" in reply:
        last["ok"] = reply["ok"]
    elif last and reply["error"]["code"] == "Malformed":
        return {"id": reply["id"], **last}
    return reply


# --- Keyed charts and their snapshots ------------------------------------------------------------


def of_index(fault: Around) -> Around:
    """Only requests about an index meet the fault."""

    def around(answer: Answer) -> Answer:
        changed = fault(answer)
        return lambda request: (changed if "index" in request else answer)(request)

    return around


def _merge_lists(found: Message) -> None:
    first, *others = (value for value in found.values() if isinstance(value, list))
    for each in others:
        first += each


def _unlist(ok: Message) -> None:
    for event in ok["events"]:
        for value in event["fields"].values():
            if isinstance(value, list):
                value.clear()


@between("exec")
def _unrefused(answer: Answer, request: Message, _: object) -> Message:
    reply = answer(request)
    refused = ("SmallStorageReduction", "TooManyWorkflows")
    if reply.get("error", {}).get("code") in refused:
        return {"id": reply["id"], "ok": {"vid": EPOCH, "events": []}}
    return reply


FAULTS: Final[Table] = {
    ("data", ""): {
        "truncated message: 255 characters": texts(lambda text: text[:255]),
        "truncated message: 64 KiB": texts(lambda text: text[: 1 << 16]),
        "text ends at the first zero byte": texts(lambda text: text.split("\0")[0]),
        "text is composed": texts(lambda text: unicodedata.normalize("NFC", text)),
        "text is decomposed": texts(lambda text: unicodedata.normalize("NFD", text)),
        "white space around is lost": texts(str.strip),
        "ends of lines are made alike": texts(lambda text: text.replace("\r\n", "\n")),
        "what is beyond sixteen bits is lost": texts(
            lambda text: "".join(each for each in text if ord(each) < 1 << 16)
        ),
        "byte order marks are lost": texts(lambda text: text.replace("\ufeff", "")),
        "non-ASCII is lost": texts(lambda text: text.encode("ascii", "replace").decode()),
        "control characters are lost": texts(_without_control_characters),
        "sign lost": numbers(abs),
        "number cut to 16 bits": numbers(lambda value: (value + 0x8000 & 0xFFFF) - 0x8000),
        "number without sign": numbers(lambda value: value & 0xFFFF_FFFF),
        "number kept as a float": numbers(float),
        "the least number overflows": numbers(lambda value: max(value, 1 - (1 << 31))),
        "lists end at 100": lists(lambda each: each[:100]),
        "lists in the wrong order": lists(lambda each: each[::-1]),
        "only the newest of a list is kept": lists(lambda each: each[-1:]),
        "what was set is lost again": on_found(
            lambda value: None if isinstance(value, dict) else value
        ),
        "what was not set is made up": on_found(lambda value: "" if value is None else value),
        "numbers are read loosely": on_arguments(_loose_number),
        "unpaired surrogates are replaced": on_arguments(if_text(_without_surrogates)),
        "ids are read loosely": on_arguments(if_text(_loose_id)),
        "arguments that are missing are made up": remembering(lambda known, args: known | args),
        "arguments that are unknown are ignored": remembering(_without_unknown),
        "malformed versions are taken as none": ignored_version(_loose_version),
        "the version is looked at before the arguments": _version_first,
        "an error names the argument as the chart does": on_error(_lower_argument),
    },
    ("wire", "wire"): {
        "a negative number in five bytes": written(
            lambda text: text.replace("f" * 17 + "01", "f" * 7 + "0f")
        ),
        "the last byte is not written": written(lambda text: text[:-2]),
        "the last byte is not read": read(lambda text: text[:-2]),
        "bytes in capitals": written(str.upper),
        "foreign events are malformed": other_error("EventType", "Malformed", "decode"),
        "malformed events are foreign": other_error("Malformed", "EventType", "decode"),
        "what is malformed is corrupted": other_error("Malformed", "CorruptedData", "decode"),
        "the parent is not read": on_ok(lambda ok: ok["event"].update(parent=EPOCH), "decode"),
        "malformed bytes are read as what was read last": _lenient,
    },
    ("index", "index"): {
        "lists are not sorted": of_index(lists(lambda each: each[::-1])),
        "one entry hides the others": of_index(lists(lambda each: each[:1])),
        "what is over is listed as active, too": of_index(on_ok(_merge_lists, "find")),
        "a snapshot loses its entries": of_index(on_ok(_unlist, "exec", "events")),
        "a snapshot says nothing of its refusal": of_index(_unrefused),
        "what is not known is a conflict of states": other_error(
            "UnknownWorkflow", "StateConflict"
        ),
    },
}
