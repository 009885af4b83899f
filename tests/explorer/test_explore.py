"""``pingregistrywf explore``: what it serves, to whom, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

from pingregistrywf import explorer
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.lower import read_model

from .conftest import until_a_signal
from .test_browser import OTHERS

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-m", "pingregistrywf", "explore")


def explore(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_one_page_on_this_machine_alone_until_a_signal(number: signal.Signals) -> None:
    words = [*COMMAND, "--no-browser", "--json", "--link", "1.a.b.c"]
    with until_a_signal(words, number) as served:
        url, _, link = served.partition("#")
        assert link == "1.a.b.c"
        host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
        assert host == "127.0.0.1"
        connection = HTTPConnection(host, int(port), timeout=60)
        for path, status in (("/", 200), ("/index.html?x", 200), ("/x", 404), ("/../x", 404)):
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
            assert answer.status == status
            if status == 200:
                assert body == explorer.page(load_model())
                assert answer.getheader("Content-Type") == "text/html; charset=utf-8"
        connection.close()


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = explore("--no-browser", "--port", taken.getsockname()[1])
    assert done.returncode == 2
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_writes_the_page_of_charts_that_are_given(tmp_path: Path) -> None:
    files = [OTHERS / "split_repo.yaml", OTHERS / "leases.yaml"]
    done = explore("--model", *files, "--output", tmp_path / "site")
    assert (done.returncode, done.stdout) == (0, f"wrote {tmp_path / 'site' / 'index.html'}\n")
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert page == explorer.page(read_model(files), package="your_package")
    told = explore("--output", tmp_path / "own", "--json")
    assert json.loads(told.stdout) == {"written": str(tmp_path / "own" / "index.html")}
    own = (tmp_path / "own" / "index.html").read_text(encoding="utf-8")
    assert own == explorer.page(load_model())


def test_a_bad_chart_is_told_with_all_its_mistakes(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("chart: bad\nversion: 1\nstate: {}\n", encoding="utf-8")
    done = explore("--model", bad, "--output", tmp_path / "site")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count(f"{bad}:") > 3
    assert not (tmp_path / "site").exists()


def test_a_file_without_a_chart(tmp_path: Path) -> None:
    empty = tmp_path / "missing.yaml"
    done = explore("--model", empty, "--no-browser")
    assert done.returncode == 2
    assert "missing.yaml" in done.stderr
