"""Starters that claim ``concurrent``: only the edited file changes, and answers overtake others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Timer

import pytest

from pingregistrywf.conformance.starters import LANGUAGES, STARTERS, write

from ..tiers import EXHAUSTIVE
from .test_starters import OTHER_REGISTRY, REGISTRY, SHA256, Adapter, build

pytestmark = pytest.mark.slow

BUILT = LANGUAGES if EXHAUSTIVE else ("python", "javascript")
PATIENCE = 120
"""After so many seconds an adapter that does not answer is ended, and the test fails."""

CLAIMS = {
    "python": ('"multi_server"]', '"multi_server", "concurrent"]'),
    "javascript": ("'multi_server']", "'multi_server', 'concurrent']"),
    "java": ('"multi_server"))', '"multi_server", "concurrent"))'),
    "go": ('"multi_server"}', '"multi_server", "concurrent"}'),
    "rust": ('"multi_server"]', '"multi_server", "concurrent"]'),
}

# A find that waits until the events of another workflow are asked for.
WAITS: Mapping[str, Mapping[str, str]] = {
    "python": {
        "\nLOCK = Lock()\n": "\nLOCK = Lock()\nimport threading\nGATE = threading.Event()\n",
        "        history = self.events(workflow)\n": (
            "        GATE.wait()\n        history = self.events(workflow)\n"
        ),
        "            return list(": (
            f'            if workflow == "{OTHER_REGISTRY}":\n                GATE.set()\n'
            "            return list("
        ),
    },
    "javascript": {
        "const deleted =": (
            "let open;\nconst gate = new Promise((f) => (open = f));\nconst deleted ="
        ),
        "  find(workflow) {\n": "  async find(workflow) {\n    await gate;\n",
        "  events(workflow) {\n": (
            f"  events(workflow) {{\n    if (workflow === '{OTHER_REGISTRY}') open();\n"
        ),
    },
    "java": {
        "    Workflows(String server) {}\n": (
            "    static final java.util.concurrent.Semaphore GATE ="
            " new java.util.concurrent.Semaphore(0);\n\n    Workflows(String server) {}\n"
        ),
        "        return Optional.of(": (
            "        GATE.acquireUninterruptibly();\n        return Optional.of("
        ),
        "    public List<Protocol.Event> events(String workflow) {\n": (
            "    public List<Protocol.Event> events(String workflow) {\n"
            f'        if (workflow.equals("{OTHER_REGISTRY}")) GATE.release();\n'
        ),
    },
    "go": {
        "\tjournal   sync.Mutex\n": "\tgate = make(chan bool, 9)\n\tjournal   sync.Mutex\n",
        "\thistory, _ := workflows.Events(workflow)\n": (
            "\t<-gate\n\thistory, _ := workflows.Events(workflow)\n"
        ),
        "\treturn histories[workflow], nil\n": (
            f'\tif workflow == "{OTHER_REGISTRY}" {{\n\t\tgate <- true\n\t}}\n'
            "\treturn histories[workflow], nil\n"
        ),
    },
    "rust": {
        "struct Workflows(": (
            "static OPEN: std::sync::atomic::AtomicBool ="
            " std::sync::atomic::AtomicBool::new(false);\n\nstruct Workflows("
        ),
        "        let history = self.events(id)?;\n": (
            "        while !OPEN.load(std::sync::atomic::Ordering::SeqCst) {\n"
            "            std::thread::yield_now();\n        }\n"
            "        let history = self.events(id)?;\n"
        ),
        "        Ok(self.journal()": (
            f'        if id == "{OTHER_REGISTRY}" {{\n'
            "            OPEN.store(true, std::sync::atomic::Ordering::SeqCst);\n        }\n"
            "        Ok(self.journal()"
        ),
    },
}

# What ends a program even where nothing waits for the thread.
ENDS: Mapping[str, Mapping[str, str]] = {
    "python": {
        "            return list(": "            raise SystemExit\n            return list("
    },
    "java": {
        "            return List.copyOf(": (
            '            if (workflow != null) throw new AssertionError("oh no");\n'
            "            return List.copyOf("
        )
    },
    "go": {"\treturn histories[workflow], nil\n": '\tpanic("oh no")\n'},
    "rust": {
        "        Ok(self.journal()": '        assert_eq!(id, "oh no");\n        Ok(self.journal()'
    },
}


def prepare(language: str, directory: Path, changes: Mapping[str, str]) -> None:
    """Write a starter that claims to be concurrent, change the edited file, and build it."""
    edited, *_ = write(language, directory, sha256=SHA256)
    text = edited.read_text(encoding="utf-8")
    for before, after in {**dict([CLAIMS[language]]), **changes}.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    edited.write_text(text, encoding="utf-8")
    build(language, directory)


@pytest.mark.parametrize("language", BUILT)
def test_an_answer_overtakes_one_that_waits(language: str, tmp_path: Path) -> None:
    prepare(language, tmp_path, WAITS[language])
    adapter = Adapter(language, tmp_path)
    adapter.tell(REGISTRY, "Init")
    impatient = Timer(PATIENCE, adapter.process.kill)
    impatient.start()
    try:
        adapter.send(91, "find", workflow=REGISTRY)
        adapter.send(92, "events", workflow=REGISTRY)
        overtaking = adapter.receive()
        # Only now the first one may go on, side by side with the one that lets it.
        adapter.send(93, "events", workflow=OTHER_REGISTRY)
        adapter.send(94, "bye")
        replies = {each["id"]: each for each in (adapter.receive() for _ in range(3))}
    finally:
        impatient.cancel()
    assert overtaking["id"] == 92
    assert {*replies} == {91, 93, 94}
    assert replies[91]["ok"]["state"] == "Initialized"
    assert list(replies)[-1] == 94
    assert replies[94]["bye"] == {}
    assert adapter.end() == 0


@pytest.mark.soak(only=True)
@pytest.mark.parametrize("language", ENDS)
def test_what_ends_the_program_ends_it_at_once(language: str, tmp_path: Path) -> None:
    prepare(language, tmp_path, ENDS[language])
    adapter = Adapter(language, tmp_path)
    impatient = Timer(PATIENCE, adapter.process.kill)
    impatient.start()
    try:
        adapter.send(1, "events", workflow=REGISTRY)
        assert adapter.replies.readline() == b""
    finally:
        impatient.cancel()
    assert adapter.process.wait() > 0
    adapter.end()


@pytest.mark.exhaustive
@pytest.mark.parametrize("language", BUILT)
def test_it_wins_and_loses_races(language: str, tmp_path: Path) -> None:
    prepare(language, tmp_path, {})
    words = ["conform", "--level", "6", "--bound", "n", "--adapter", STARTERS[language].run]
    done = subprocess.run(
        [sys.executable, "-m", "pingregistrywf", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    verdict = done.stdout.splitlines()[-1]
    assert "not claimed: crash in level 6, daemons in level 6, gc" in verdict
    assert "concurrent" not in verdict
