"""What is generated: complete, the same to the byte, and unmoved by prose."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf.chart.ir import Chart, Model, to_json
from pingregistrywf.chart.locate import load_model, model_directory
from pingregistrywf.chart.lower import read_model
from pingregistrywf.conformance.assembly import MANIFEST_NAME, manifest, suite_of_model
from pingregistrywf.generate import artefacts, pages, readme


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def changed(tmp_path: Path, old: str, new: str) -> Chart:
    """The workflow's chart after one change of its text."""
    text = (model_directory() / "ping_registry.yaml").read_text()
    assert old in text
    (tmp_path / "changed.yaml").write_text(text.replace(old, new))
    (chart,) = read_model([tmp_path / "changed.yaml"]).charts.values()
    return chart


class TestDocument:
    def test_says_every_cell(self, model: Model, cells: object) -> None:
        document = json.loads(to_json(model.charts["ping_registry"]))
        found = {
            (cell["command"], cell["arguments"], cell["state"]): (
                *(cell["outcome"], cell["event"], cell["error"]),
            )
            for cell in document["table"]
        }
        variants = {None: "any", True: "same", False: "other"}
        by_hand = {
            (cell.command, variants[cell.same], cell.state): (cell.outcome, cell.event, cell.error)
            for cell in cells.WORKFLOW  # type: ignore[attr-defined]
        }
        assert found == by_hand

    def test_reads_back(self, model: Model) -> None:
        for chart in model.charts.values():
            assert Chart.model_validate_json(to_json(chart)) == chart

    def test_prose_does_not_move_the_hash(self, tmp_path: Path) -> None:
        before = load_model().charts["ping_registry"]
        after = changed(tmp_path, "A server answers.", "A server replies.")
        assert to_json(after) != to_json(before)
        assert after.sha256 == before.sha256
        assert changed(tmp_path, "title: Ping registry", "title: Pings").sha256 == before.sha256

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("number: 112", "number: 212"),
            ("in: [Summarized]", "in: [Summarized, Terminated]"),
            ("{type: int32, wire: 74", "{type: int32, wire: 76"),
            ("code: 5", "code: 6"),
            ("nonzero: true, ", ""),
        ],
    )
    def test_every_fact_moves_the_hash(self, tmp_path: Path, old: str, new: str) -> None:
        before = load_model().charts["ping_registry"]
        assert changed(tmp_path, old, new).sha256 != before.sha256

    def test_the_packages_declare_their_hash(self, model: Model) -> None:
        for package in (ping_registry, ping_registry_index):
            declaration = package.DECLARATION
            assert declaration.sha256 == model.charts[declaration.name].sha256


class TestArtefacts:
    @pytest.mark.slow
    def test_are_what_is_committed(self, model: Model) -> None:
        root = Path(ping_registry.__file__).parents[1]
        suite = suite_of_model(model)
        ids = {PurePosixPath(suite.chart.name) / MANIFEST_NAME: manifest(suite).encode()}
        assert artefacts.check(artefacts.package(model) | ids, root) == []

    @pytest.mark.slow
    def test_are_the_same_to_the_byte_in_another_process(self, tmp_path: Path) -> None:
        script = (
            "import sys; from pathlib import Path;"
            "from pingregistrywf.chart.locate import load_model;"
            "from pingregistrywf.generate import artefacts;"
            "artefacts.write(artefacts.theirs(load_model()), Path(sys.argv[1]))"
        )
        trees = []
        for seed in ("1", "2"):
            out = tmp_path / seed
            subprocess.run(
                [sys.executable, "-c", script, str(out)], env={"PYTHONHASHSEED": seed}, check=True
            )
            trees.append({p.relative_to(out): p.read_bytes() for p in out.rglob("*.*")})
        assert trees[0] == trees[1]
        assert len(trees[0]) > 20

    def test_written_once(self, model: Model, tmp_path: Path) -> None:
        made = artefacts.theirs(model)
        assert len(artefacts.write(made, tmp_path)) == len(made)
        assert artefacts.write(made, tmp_path) == []
        assert artefacts.check(made, tmp_path) == []

    def test_name_no_place_and_no_time(self, model: Model) -> None:
        for path, content in artefacts.theirs(model).items():
            if path.suffix != ".binpb":
                text = content.decode()
                assert str(model_directory()) not in text, path
                assert not re.search(r"20\d\d-\d\d-\d\d", text), path

    def test_generated_modules_decide_nothing(self, model: Model) -> None:
        for path, content in artefacts.package(model).items():
            if path.suffix == ".py":
                code = re.sub(r'""".*?"""', "", content.decode(), flags=re.DOTALL)
                code = re.sub(r'"(\\.|[^"\\])*"', '""', code)
                assert not re.search(r"^\s*(if|for|while|try|match)\b", code, re.MULTILINE), path


class TestReadme:
    MARKED = "".join(
        f"before\n<!-- begin generated {part} -->\nold\n<!-- end generated {part} -->\nafter\n"
        for part in ("diagram", "table")
    )

    def test_parts_are_filled_and_the_rest_is_left(self, model: Model) -> None:
        filled = readme.filled(self.MARKED, next(iter(model.charts.values())))
        assert filled.count("before\n") == 2
        assert filled.count("after\n") == 2
        assert "old" not in filled
        assert "| AppendPing | StateConflict | **+ServerPinged** |" in filled
        assert "```mermaid\n" in filled
        assert readme.filled(filled, next(iter(model.charts.values()))) == filled

    def test_a_lost_marker_is_named(self, model: Model) -> None:
        lost = self.MARKED.replace("<!-- end generated table -->", "")
        with pytest.raises(readme.MarkerError, match="end generated table"):
            readme.filled(lost, next(iter(model.charts.values())))


class TestPages:
    MARKED = (
        "before\n<!-- begin table: ping_registry -->\nold\n<!-- end table: ping_registry -->\n"
        "<!-- begin states: ping_registry -->\n<!-- end states: ping_registry -->\nafter\n"
    )

    def test_parts_are_filled_or_linked_and_the_rest_is_left(self, model: Model) -> None:
        filled = pages.filled("page.md", self.MARKED, model.charts)
        assert filled.startswith("before\n<!-- begin table")
        assert filled.endswith("-->\nafter\n")
        assert "old" not in filled
        assert "| AppendPing | StateConflict | **+ServerPinged** |" in filled
        assert "(../../model/ping_registry.yaml)" in filled
        assert pages.filled("page.md", filled, model.charts) == filled

    def test_the_site_has_a_line_for_each_part(self, model: Model) -> None:
        lines = "before\n<!-- table: ping_registry -->\n<!-- states: ping_registry -->\nafter\n"
        assert pages.emptied(pages.filled("page.md", self.MARKED, model.charts)) == lines

    def test_a_lost_marker_is_named(self, model: Model) -> None:
        lost = self.MARKED.replace("<!-- end table: ping_registry -->", "")
        with pytest.raises(
            readme.MarkerError, match=r"page\.md needs <!-- end table: ping_registry"
        ):
            pages.filled("page.md", lost, model.charts)

    def test_every_page_can_be_read_as_a_file(self) -> None:
        docs = Path(__file__).parents[2] / "docs"
        for page in sorted(docs.rglob("*.md")):
            text = page.read_text("utf-8")
            assert not re.findall(r"^<!-- (?:\w+)(?:: \w+)? -->$", text, re.MULTILINE), page
            for begin, content in re.findall(
                r"^<!-- begin (\w+(?:: \w+)?) -->\n(.*)", text, re.MULTILINE
            ):
                assert content.startswith(("|", "```")) or "](" in content or "`" in content, begin
                for link in re.findall(r"\]\((\.\.[^)]*)\)", content):
                    assert (page.parent / link).exists(), (page, link)
