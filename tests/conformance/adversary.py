"""Adapters that go wrong in a given way: ``python adversary.py NAME``, around the reference.

The text after the colon of a name is the way's argument, such as the capability that is not
claimed.  ``answering`` gives those that only answer otherwise, in this process.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf.coordination.outside import OutsideOperations
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import open_journal
from pingregistrywf.service.requests import Service
from pingregistrywf.service.stdio import Adapter

Json: TypeAlias = Any
Answer: TypeAlias = Callable[[Json], Json]

MIB = 1 << 20
LARGEST = 2**31 - 1


def reference() -> Adapter:
    """The reference on a journal in memory; one request at a time, so that runs are the same."""
    journal = open_journal("memory:")
    behaviors = (ping_registry.Behavior, ping_registry_index.Behavior)
    return Adapter(Service(behaviors, journal, [OutsideOperations(journal)]), "1")


def answering(name: str) -> Answer:
    """An adapter that answers as its name says."""
    way, _, argument = name.partition(":")
    return ANSWERS[way](claiming(reference().answer, without={"concurrent"}), argument)


# --- What is answered ---------------------------------------------------------------------------


def claiming(answer: Answer, without: set[str]) -> Answer:
    def changed(request: Json) -> Json:
        reply = answer(request)
        if "hello" in reply:
            claimed = reply["hello"]["capabilities"]
            reply["hello"]["capabilities"] = [each for each in claimed if each not in without]
        return reply

    return changed


def right(answer: Answer, _: str) -> Answer:
    return answer


def not_claiming(answer: Answer, names: str) -> Answer:
    return claiming(answer, set(names.split(",")))


def hello_otherwise(answer: Answer, text: str) -> Answer:
    """hello with some keys changed, given as JSON."""

    def changed(request: Json) -> Json:
        reply = answer(request)
        if "hello" in reply:
            reply["hello"] |= json.loads(text)
        return reply

    return changed


def unsupported(answer: Answer, ops: str) -> Answer:
    """Some ops, or all but hello and bye, are answered unsupported."""

    def changed(request: Json) -> Json:
        op = request["op"]
        if op in ops.split(",") or (not ops and op not in ("hello", "bye")):
            return {"id": request["id"], "unsupported": {"reason": "not yet"}}
        return answer(request)

    return changed


def command_otherwise(change: Callable[[Json, Json], Json]) -> Callable[[Answer, str], Answer]:
    """The answers to one command are changed."""

    def around(answer: Answer, command: str) -> Answer:
        def changed(request: Json) -> Json:
            reply = answer(request)
            return change(request, reply) if request.get("command") == command else reply

        return changed

    return around


def no_events(_: Json, reply: Json) -> Json:
    if "ok" in reply:
        reply["ok"]["events"] = []
    return reply


def other_code(_: Json, reply: Json) -> Json:
    if "error" in reply:
        reply["error"]["code"] = "Internal"
    return reply


def everywhere(change: Callable[[str, Json], Json]) -> Callable[[Answer, str], Answer]:
    """Every value below ``ok`` is changed, by its key."""

    def deep(key: str, value: Json) -> Json:
        if isinstance(value, dict):
            return {name: deep(name, each) for name, each in value.items()}
        if isinstance(value, list):
            return [deep(key, each) for each in value]
        return change(key, value)

    def around(answer: Answer, _: str) -> Answer:
        def changed(request: Json) -> Json:
            reply = answer(request)
            return reply | {"ok": deep("", reply["ok"])} if "ok" in reply else reply

        return changed

    return around


def is_zero(key: str, value: Json) -> bool:
    return key in ("code", "status_code") and value == 0


def falling(key: str, value: Json) -> Json:
    """Ids that fall where they should grow; the epoch stays."""
    if key not in ("vid", "id", "parent", "event_id") or not value.strip("0"):
        return value
    return str(Ulid(bytes(255 - byte for byte in Ulid.parse(value).bytes)))


def another_target(answer: Answer, _: str) -> Answer:
    """Commit in Summarized leads to Terminated, in all that can be seen of it."""

    def changed(request: Json) -> Json:
        if request.get("command") != "Commit":
            return answer(request)
        reply = answer(request)
        if reply.get("ok", {}).get("events"):
            vid = reply["ok"]["vid"]
            ended = answer(request | {"command": "End", "vid": vid})["ok"]
            reply["ok"] = ended | {"events": reply["ok"]["events"]}
        return reply

    return changed


def noop_that_emits(answer: Answer, _: str) -> Answer:
    """Init told twice tells its event again."""
    first: dict[str, Json] = {}

    def changed(request: Json) -> Json:
        reply = answer(request)
        if request.get("command") == "Init" and "ok" in reply:
            events = reply["ok"]["events"]
            reply["ok"]["events"] = [first.setdefault(request["workflow"], (events or [None])[0])]
        return reply

    return changed


def stale_accepted(answer: Answer, _: str) -> Answer:
    """The version is not checked."""

    def changed(request: Json) -> Json:
        if "vid" in request and request.get("op") == "exec":
            request = request | {"vid": "no_vc"}
        return answer(request)

    return changed


def flaky(answer: Answer, command: str) -> Answer:
    """The first of some commands is answered wrongly, and no other."""
    asked: list[Json] = []

    def changed(request: Json) -> Json:
        reply = answer(request)
        if request.get("command") == command:
            asked.append(request)
            if len(asked) == 1:
                return {"id": request["id"], "error": {"code": "Internal", "definite": True}}
        return reply

    return changed


def at_most(answer: Answer, count: str) -> Answer:
    """More than so many pings are refused."""

    def changed(request: Json) -> Json:
        if request.get("command") == "AppendPing":
            found = answer(request | {"op": "find"}).get("ok", {})
            if len(found.get("pings", ())) >= int(count):
                error = {"code": "Internal", "definite": True, "message": "full"}
                return {"id": request["id"], "error": error}
        return answer(request)

    return changed


def control_characters(answer: Answer, _: str) -> Answer:
    """A wrong answer with characters that XML, HTML, UTF-8 and terminals trip over."""

    def changed(request: Json) -> Json:
        reply = answer(request)
        if request.get("command") == "Commit":
            message = "]]>&<script>alert(1)</script>\x00\x1b[31m\u202e\ud800\ufffe"
            return {"id": request["id"], "error": {"code": message, "definite": True}}
        return reply

    return changed


def more_keys(answer: Answer, _: str) -> Answer:
    """Keys that nobody knows stand beside the answer."""
    return lambda request: answer(request) | {"died": "not at all", "broken": True, "x": None}


def pretends_to_die(answer: Answer, _: str) -> Answer:
    """Claims crash, and answers where it should die."""

    def changed(request: Json) -> Json:
        if request["op"] == "crash":
            return {"id": request["id"], "ok": {}}
        reply = answer(request)
        if "hello" in reply:
            reply["hello"]["capabilities"].append("crash")
        return reply | {"died": "as asked"}

    return changed


def raises(answer: Answer, what: str) -> Answer:
    """Raises in place of an answer to a command, or exits as if all were well."""

    def changed(request: Json) -> Json:
        if request["op"] == "exec" and request["command"] == "Commit":
            raise {"exit": SystemExit(0), "error": ValueError("no such\nthing")}[what]
        return answer(request)

    return changed


def no_json(answer: Answer, _: str) -> Answer:
    """Answers what cannot be written as JSON."""

    def changed(request: Json) -> Json:
        reply = answer(request)
        return reply | {"ok": {"state": {1, 2}}} if request["op"] == "find" else reply

    return changed


ANSWERS: dict[str, Callable[[Answer, str], Answer]] = {
    "right": right,
    "not claiming": not_claiming,
    "hello": hello_otherwise,
    "unsupported": unsupported,
    "no events": command_otherwise(no_events),
    "other code": command_otherwise(other_code),
    "float": everywhere(lambda key, value: 0.0 if is_zero(key, value) else value),
    "false": everywhere(lambda key, value: False if is_zero(key, value) else value),
    "unsigned": everywhere(
        lambda key, value: value & 0xFFFFFFFF if key in ("code", "status_code") else value
    ),
    "truncated": everywhere(
        lambda key, value: value[:255] if key in ("message", "status_message") else value
    ),
    "falling ids": everywhere(falling),
    "another target": another_target,
    "noop that emits": noop_that_emits,
    "stale accepted": stale_accepted,
    "flaky": flaky,
    "at most": at_most,
    "control characters": control_characters,
    "wrong bytes": everywhere(lambda key, value: f"{value}00" if key == "wire" else value),
    'it\'s "quoted"': lambda answer, _: ANSWERS["no events"](answer, "Commit"),
    "more keys": more_keys,
    "pretends to die": pretends_to_die,
    "raises": raises,
    "no JSON at all": no_json,
}


# --- How it is answered -------------------------------------------------------------------------


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def reply(reply: Json) -> None:
    say(json.dumps(reply) + "\n")


def log(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def die(code: int = 1) -> None:
    log("about to die\n")
    os._exit(code)


def hang() -> None:
    while True:
        time.sleep(60)


def is_extreme(request: Json) -> bool:
    args = request.get("args")
    return request.get("command") == "AppendPing" and args != [] and args.get("code") == LARGEST


def is_third_of_three(answered: Json) -> bool:
    """The last look at a history of three pings."""
    names = [each["event"] for each in answered.get("ok", {}).get("events", ())]
    return names.count("ServerPinged") == 3 and names[-1] == "PingRegistryCommitted"


def every(request: Json) -> bool:
    return request["op"] not in ("hello", "bye")


def serve(answer: Answer, when: Callable[[Json], bool], instead: Callable[[Json], None]) -> None:
    """Answer, but do something else when a request is such."""
    for line in sys.stdin:
        request = json.loads(line)
        if when(request):
            instead(request)
        else:
            reply(answer(request))
        if request["op"] == "bye":
            return


def flood(count: int | None) -> None:
    """Write so many MiB of log, or without end."""
    chunk = ("x" * 1023 + "\n") * 1024
    while count is None or count > 0:
        log(chunk)
        count = None if count is None else count - 1


def main(name: str) -> None:
    """Go wrong in that way."""
    way, _, argument = name.partition(":")
    if way in ANSWERS:
        serve(answering(name), lambda _: False, reply)
        return
    answer = answering("right")

    def and_die(request: Json) -> None:
        reply(answer(request))
        die()

    def and_hang(request: Json) -> None:
        reply(answer(request))
        hang()

    def of(op: str) -> Callable[[Json], bool]:
        return lambda request: request["op"] == op

    if way == "dead":
        die(3)
    elif way == "byte-order mark":
        say("\ufeff")
        serve(answer, lambda _: False, reply)
    elif way == "garbage":
        serve(answer, every if argument else lambda _: True, lambda _: say("Traceback:\n"))
    elif way == "logs where it answers":
        serve(answer, of("exec"), lambda asked: (say("exec\n"), reply(answer(asked)))[1])
    elif way == "half a line":
        half = '{"id": 1, "ok": {"vi'
        serve(answer, is_extreme, lambda _: (say(half), die())[0])
    elif way == "dies at one":
        serve(answer, is_extreme, lambda _: die())
    elif way == "quits after every answer":
        with Path(argument).open("a", encoding="utf-8") as starts:
            starts.write("started\n")
        serve(answer, lambda _: True, and_die)
    elif way == "another id":
        serve(answer, is_extreme, lambda asked: reply(answer(asked) | {"id": -1}))
    elif way == "second answers":
        second = is_extreme if argument else every
        serve(answer, second, lambda asked: (reply(answer(asked)), reply(answer(asked)))[0])
    elif way == "second answers to events":
        serve(answer, of("events"), lambda asked: [reply(answer(asked)) for _ in range(2)] and None)
    elif way == "second answer to the last look":

        def twice_at_last(asked: Json) -> None:
            told = answer(asked)
            for _ in range(1 + is_third_of_three(told)):
                reply(told)

        serve(answer, of("events"), twice_at_last)
    elif way == "two kinds":
        serve(answer, is_extreme, lambda asked: reply({"id": asked["id"], "ok": {}, "error": {}}))
    elif way == "hangs":
        serve(answer, is_extreme if argument == "at one" else of(argument), lambda _: hang())
    elif way == "hangs after bye":
        serve(answer, of("bye"), and_hang)
    elif way == "fails after bye":
        serve(answer, of("bye"), and_die)
    elif way == "10 MiB of log":
        flood(10)
        serve(answer, lambda _: False, reply)
    elif way == "10 MiB of log, then dies":
        serve(answer, is_extreme, lambda _: (flood(10), die())[0])
    elif way == "a log without end":
        threading.Thread(target=flood, args=(None,), daemon=True).start()
        serve(answer, lambda _: False, reply)
        os._exit(0)
    elif way == "a line without end":
        serve(answer, is_extreme, lambda _: [say("x" * MIB) for _ in iter(int, 1)] and None)
    elif way == "no JSON":
        serve(answer, is_extreme, lambda asked: say(f'{{"id": {asked["id"]}, "ok": NaN}}\n'))
    elif way == "logs":
        answer = answering("other code:AppendPing")
        serve(answer, every, lambda asked: (log(f"asked {asked['op']}\n"), reply(answer(asked)))[0])
    elif way == "leaves a child":
        child = os.fork()
        if child == 0:
            hang()
        log(f"{child}\n")
        Path(argument).write_text(f"{os.getpid()} {child}", encoding="utf-8")
        hang()
    else:
        raise SystemExit(f"there is no way {way!r}")


if __name__ == "__main__":
    main(sys.argv[1])
