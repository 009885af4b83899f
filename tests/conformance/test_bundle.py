"""The bundle: the same bytes every time, and enough to run the suite by its README alone."""

from __future__ import annotations

import hashlib
import json
import random
import re
import uuid
import zipfile
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pingregistrywf import open_journal
from pingregistrywf.cli import app
from pingregistrywf.cli.adapter import reference
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.service.daemon_requests import SettableClock

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bundle")]  # it is made only once

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    path = tmp_path_factory.mktemp("bundle") / "suite.zip"
    ran = CliRunner().invoke(app, ["conform", "bundle", str(path)])
    assert ran.exit_code == 0, ran.output
    return zipfile.ZipFile(path)


@pytest.mark.exhaustive
def test_it_is_the_same_to_the_byte(bundle: zipfile.ZipFile, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    CliRunner().invoke(app, ["conform", "bundle", str(again)])
    assert bundle.filename
    assert again.read_bytes() == Path(bundle.filename).read_bytes()


def test_the_manifest_lists_every_file_with_its_hash(bundle: zipfile.ZipFile) -> None:
    told = json.loads(bundle.read("manifest.json"))
    names = set(bundle.namelist()) - {"manifest.json"}
    assert {name: hashlib.sha256(bundle.read(name)).hexdigest() for name in names} == told["files"]
    assert {
        "README.md",
        "adapter-protocol.md",
        "behaviour.md",
        "cases.jsonl",
        "ci/action.yml",
        "ci/gitlab.yml",
        "charts/ping_registry.json",
        "charts/ping_registry.proto",
        "wire/ping_registry.json",
    } <= names


@pytest.mark.parametrize("name", ["ping_registry", "ping_registry_index"])
def test_the_charts_are_the_generated_ones_with_their_layouts(
    bundle: zipfile.ZipFile, name: str
) -> None:
    document = bundle.read(f"charts/{name}.json")
    assert document == files("pingregistrywf._generated").joinpath(name, "chart.json").read_bytes()
    assert json.loads(document)["layout"]["states"]


def test_the_operations_are_in_the_bundle(bundle: zipfile.ZipFile) -> None:
    document = json.loads(bundle.read("operations/ping_registry_operations.json"))
    assert [each["command"] for each in document["operations"]["commit"]["steps"]] == [
        "Commit",
        "CommitPingRegistry",
        "End",
    ]


def test_the_page_of_behaviour_has_its_tables(bundle: zipfile.ZipFile) -> None:
    page = bundle.read("behaviour.md").decode()
    assert "| AppendPing | StateConflict | **+ServerPinged** |" in page
    assert "| CommitPingRegistry | " in page
    assert "| Terminated | 5 | " in page
    assert "`behaviour.md`" in bundle.read("README.md").decode()


def test_the_cases_without_surrogates_are_all_others(bundle: zipfile.ZipFile) -> None:
    every = bundle.read("cases.jsonl").decode().splitlines()
    paired = bundle.read("cases-without-surrogates.jsonl").decode().splitlines()
    for line in paired:
        json.dumps(json.loads(line), ensure_ascii=False).encode()
    left_out = set(every) - set(paired)
    assert left_out
    for line in left_out:
        with pytest.raises(UnicodeEncodeError):
            json.dumps(json.loads(line), ensure_ascii=False).encode()


def test_nothing_leads_out_of_the_bundle(bundle: zipfile.ZipFile) -> None:
    for name in ("README.md", "adapter-protocol.md", "behaviour.md"):
        assert "](" not in bundle.read(name).decode()


def test_the_readme_counts_the_cases(bundle: zipfile.ZipFile) -> None:
    cases = _cases(bundle)
    readme = bundle.read("README.md").decode()
    assert "@" not in readme
    for level in range(1, 7):
        count = sum(case["level"] == level for case in cases)
        assert re.search(rf"\| {level} \| [a-z ]+ \| {count:,} \|", readme)


@pytest.mark.exhaustive
def test_the_cases_run_by_what_the_readme_says(bundle: zipfile.ZipFile) -> None:
    adapter = reference(open_journal("memory:", clock=SettableClock()))
    claimed = set(adapter.answer({"op": "hello"})["hello"]["capabilities"])
    ran = 0
    for case in _cases(bundle):
        if case.get("bound", "n") == "n" and set(case["needs"]) <= claimed:
            _Run(case, adapter.answer).execute()
            ran += 1
    assert "daemons" in claimed
    assert ran > 1950


def test_a_wrong_answer_is_seen(bundle: zipfile.ZipFile) -> None:
    adapter = reference(open_journal("memory:"))

    def deaf(request: dict[str, Any]) -> dict[str, Any]:
        reply = adapter.answer(request)
        return reply if request["op"] != "events" else {**reply, "ok": {"events": []}}

    case = next(case for case in _cases(bundle) if case["rule"] == "AppendPing.1")
    with pytest.raises(AssertionError):
        _Run(case, deaf).execute()


def test_the_wire_vectors_hold(bundle: zipfile.ZipFile) -> None:
    adapter = reference(open_journal("memory:"))
    for chart in ("ping_registry", "ping_registry_index"):
        vectors = json.loads(bundle.read(f"wire/{chart}.json"))
        assert len(vectors) > 300
        for each in vectors:
            reply = adapter.answer({"op": "decode", "chart": chart, "bytes": each["bytes"]})
            run = _Run({"ids": {}, "define": {}, "steps": []}, adapter.answer)
            run.compare(each["answer"], reply)


def _cases(bundle: zipfile.ZipFile) -> list[dict[str, Any]]:
    return [json.loads(line) for line in bundle.read("cases.jsonl").splitlines()]


class _Run:
    """Runs one case as README.md of the bundle says; it knows nothing else of the suite."""

    def __init__(self, case: dict[str, Any], answer: Any) -> None:
        self.case = case
        self.answer = answer
        self.bound: dict[str, str] = {}
        drawn = iter(sorted(random.getrandbits(128) for _ in case["ids"]))
        for name, how in sorted(case["ids"].items()):
            number = next(drawn)
            if how == "name":
                self.bound[name] = f"name-{number:x}"
            elif how == "uuid":
                self.bound[name] = str(uuid.UUID(int=number, version=4))
        for name, how in case["ids"].items():
            if isinstance(how, dict):
                namespace, prefix, of = how["uuid5"]
                text = prefix + self.bound[of["$"]]
                self.bound[name] = str(uuid.uuid5(uuid.UUID(namespace), text))

    def execute(self) -> None:
        for step in self.case["steps"]:
            if "together" in step:
                self.together(step)
                continue
            reply = self.answer({"id": 1, **self.fill(step["send"])})
            self.compare_with_any(step.get("any_of", [step["expect"]]), reply)

    def compare_with_any(self, choices: list[dict[str, Any]], reply: dict[str, Any]) -> None:
        *others, last = choices
        for each in others:
            with suppress(AssertionError, KeyError):
                return self.compare(each, reply)
        return self.compare(last, reply)

    def together(self, step: dict[str, Any]) -> None:
        replies = [self.answer({"id": 1, **self.fill(send)}) for send in step["together"]]
        allowed = {"ok", *(each["error"]["code"] for each in step["any_of"] if "error" in each)}
        codes = ["ok" if "ok" in each else each["error"]["code"] for each in replies]
        assert set(codes) <= allowed

    def fill(self, value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"$"}:
                return self.bound[value["$"]]
            if set(value) == {"repeat"}:
                return value["repeat"][0] * value["repeat"][1]
            if set(value) == {"time"}:
                event, after = value["time"]
                return Ulid.parse(self.bound[event["$"]]).milliseconds + after
            if set(value) == {"hex"}:
                parts = value["hex"]
                return "".join(p if isinstance(p, str) else self.bytes_of(p["$"]) for p in parts)
            return {key: self.fill(each) for key, each in value.items()}
        return [self.fill(each) for each in value] if isinstance(value, list) else value

    def bytes_of(self, name: str) -> str:
        return Ulid.parse(self.bound[name]).bytes.hex()

    def compare(self, expect: dict[str, Any], reply: dict[str, Any]) -> None:
        if "error" in expect:
            for key, value in expect["error"].items():
                assert reply["error"][key] == self.fill(value)
        else:
            self.equal(expect["ok"], reply["ok"])

    def equal(self, expect: Any, got: Any) -> None:
        if isinstance(expect, dict) and set(expect) == {"$"}:
            name = expect["$"]
            if name in self.case["define"]:
                self.event(self.case["define"][name], got)
            elif name in self.bound:
                assert got == self.bound[name]
            else:
                assert ULID.fullmatch(got)
                self.bound[name] = got
        elif isinstance(expect, dict) and set(expect) <= {"repeat", "hex"} and expect:
            assert got == self.fill(expect)
        elif isinstance(expect, dict) and "parent" in expect:
            self.event(expect, got)
        elif isinstance(expect, dict):
            assert set(got) == set(expect)
            for key, value in expect.items():
                self.equal(value, got[key])
        elif isinstance(expect, list):
            assert len(got) == len(expect)
            for one, other in zip(expect, got, strict=True):
                self.equal(one, other)
        else:
            assert type(got) is type(expect)
            assert got == expect

    def event(self, expect: dict[str, Any], got: dict[str, Any]) -> None:
        left = {key: value for key, value in got.items() if key != "wire" or "wire" in expect}
        assert set(left) == set(expect)
        for key, value in expect.items():
            self.equal(value, left[key])
