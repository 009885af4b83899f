"""Faults of data: what goes in comes out otherwise, or should not have gone in."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pingregistrywf.conformance.selftest.faults.around import (
    Answer,
    Fault,
    Json,
    everywhere,
    if_number,
    if_text,
    on_arguments,
    on_ok,
    on_reply,
    on_request,
)


def data() -> Iterator[Fault]:
    """Each of them."""

    def fault(name: str, around: Callable[[Answer], Answer]) -> Fault:
        return Fault("data", name, around)

    def texts(name: str, change: Callable[[str], str]) -> Fault:
        return fault(name, everywhere(if_text(change)))

    def numbers(name: str, change: Callable[[int], int]) -> Fault:
        return fault(name, everywhere(if_number(change)))

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
    yield fault("what was set is lost again", on_ok(_forgetful, "find"))
    yield fault("what was not set is made up", on_ok(_inventive, "find"))
    yield fault("numbers are read loosely", on_arguments(_loose_number))
    yield fault("unpaired surrogates are replaced", on_arguments(if_text(_replaced)))
    yield fault("ids are read loosely", on_arguments(if_text(_loose_id)))
    yield fault("arguments that are missing are made up", _made_up)
    yield fault("arguments that are unknown are ignored", _ignored)
    yield fault("malformed versions are taken as none", on_request(_loose_vid))
    yield fault("the version is looked at before the arguments", _late_arguments)
    yield fault("an error names the argument as the chart does", on_reply(_snake_arg, "exec"))


def _lists(change: Callable[[list[Json]], list[Json]]) -> Any:
    def all_of(ok: dict[str, Json]) -> None:
        for key, value in ok.items():
            if isinstance(value, list):
                ok[key] = change(value)

    return on_ok(all_of, "find")


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
    """Arguments are changed by those that the same command had before."""

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
