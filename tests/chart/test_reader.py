"""Every mistake is reported where it is, with what to write instead; what is right reads clean.

The sound files and the cases are data, in ``mistakes/``.  A case replaces some lines of a sound
file, marks those that are wrong by ``←``, and says what is to be said, with `` … `` for any words.
"""

from __future__ import annotations

import ast
import copy
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pingregistrywf._generated as generated
import pingregistrywf.runtime.errors as runtime_errors
import pingregistrywf.runtime.values as runtime_values
from pingregistrywf.chart import locate
from pingregistrywf.chart.checks import names
from pingregistrywf.chart.checks.errors import RUNTIME_ERRORS
from pingregistrywf.chart.checks.names import CLASSES
from pingregistrywf.chart.locate import load_model, model_directory
from pingregistrywf.chart.mistakes import ChartError, Mistake
from pingregistrywf.chart.parts import Constant, Word
from pingregistrywf.chart.reader import read_model
from pingregistrywf.chart.vocabulary import Chart
from pingregistrywf.runtime.charted import Charted
from pingregistrywf.runtime.facade import Facade

DATA = Path(__file__).with_name("mistakes")
DOORS, KEYS, USES, MANY = (
    (DATA / f"{name}.yaml").read_text(encoding="utf-8")
    for name in ("doors", "keys", "uses", "many")
)
PROJECTS_OWN = sorted(model_directory().glob("*.yaml"))
SOUND = {"doors.yaml": DOORS, "keys.yaml": KEYS, "uses.yaml": USES}
INTERNALS = re.compile(r"pydantic|https?:|should|_type|NoneType|Traceback|Annotated")

Case = dict[str, Any]


def read_chart(path: Path) -> Chart:
    (chart,) = read_model([path]).charts.values()
    return chart


def cases(group: str) -> list[Any]:
    read = yaml.safe_load((DATA / f"{group}.cases.yaml").read_text(encoding="utf-8"))
    return [pytest.param(case, id=name) for name, case in read.items()]


def write(path: Path, text: str, old: str = "", new: str = "") -> list[int]:
    """Write a file with a replacement; the lines that are marked."""
    assert old in text, f"{old!r} is not in the file"
    changed = text.replace(old, new, 1) if old else text
    path.write_text(changed.replace("←", ""), encoding="utf-8")
    return [n for n, line in enumerate(changed.splitlines(), 1) if "←" in line]


def write_case(path: Path, text: str, case: Case) -> list[int]:
    """Write a case's file; the lines that have mistakes."""
    marked = write(path, text, case["old"], case["new"])
    return case.get("lines", marked)


def sound(directory: Path) -> list[Path]:
    """Write the sound files; where they are."""
    for name, text in SOUND.items():
        write(directory / name, text)
    return [directory / name for name in SOUND]


def mistakes(error: ChartError) -> list[tuple[int, str]]:
    """Each with its line; the cases have a name that was probably meant as ``write NAME; …``."""
    return [(each.line, f"{each.what}; {_written(each.remedy)}") for each in error.mistakes]


def _written(remedy: str) -> str:
    meant = re.fullmatch(r"did you mean (\S+)\? (.)(.*)", remedy)
    return f"write {meant[1]}; {meant[2].lower()}{meant[3]}" if meant else remedy


def assert_says(error: ChartError, lines: list[int], words: str) -> None:
    """Just the given lines have mistakes, and of one the words occur in their order."""
    found = mistakes(error)
    assert sorted({line for line, _ in found}) == lines, found
    pattern = ".*".join(re.escape(word) for word in words.split(" … "))
    assert any(re.search(pattern, said) for _, said in found), found
    assert not INTERNALS.search(str(error)), found


# --- The sound files ------------------------------------------------------------------------------


def items(value: Any) -> list[tuple[Any, Any]]:
    """What a mapping or a list holds."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def prose(word: Word, at: str = "") -> Iterator[tuple[str, str]]:
    """Every prose of a part and of its parts, with its place."""
    for name in type(word).model_fields:
        value = getattr(word, name)
        if name in ("doc", "option_doc", "title", "noop") and value is not None:
            yield f"{at}.{name}", value
        inner = items(value) or [("", value)]
        for key, each in inner:
            if isinstance(each, Word) and not isinstance(each, Constant):
                yield from prose(each, f"{at}.{name}.{key}")


def test_the_projects_own_model_is_sound_and_all_of_it_is_explained() -> None:
    model = read_model(PROJECTS_OWN)
    assert list(model.charts) == ["ping_registry", "ping_registry_index"]
    assert list(model.operations) == ["ping_registry_operations"]
    explanations = [
        each
        for word in (*model.charts.values(), *model.operations.values())
        for each in prose(word, getattr(word, "title", ""))
    ]
    assert len(explanations) > 100
    assert [place for place, text in explanations if not text.strip()] == []


def test_the_files_of_these_tests_are_sound(tmp_path: Path) -> None:
    doors, keys, uses = sound(tmp_path)
    model = read_model([str(uses), keys, doors])
    assert list(model.charts) == ["keys", "doors"]
    assert model.charts["doors"] == read_chart(doors)
    assert list(model.operations) == ["uses"]


def test_it_reads_what_pydantic_reads() -> None:
    for path in sorted(model_directory().glob("ping_registry*.yaml"))[:2]:
        assert read_chart(path) == Chart.model_validate(yaml.safe_load(path.read_text()))


def test_anchors_and_merge_keys_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "doors.yaml"
    text = DOORS.replace("who: {type: string, wire: 11}", "who: &who {type: string, wire: 11}")
    text = text.replace(
        "      code: {type: int32, wire: 12}\n    when: {code: zero}",
        "      code: {type: int32, wire: 12}\n      who: *who\n    when: {code: zero}",
    ).replace(
        "DoorShut: {code: {constant: 0}}", "DoorShut: {code: {constant: 0}, who: {constant: x}}"
    )
    text = text.replace("  Open: {code: 2}", "  Open: {<<: &open {code: 9, doc: Open.}, code: 2}")
    write(file, text)
    chart = read_chart(file)
    assert chart.events["DoorShut"].fields["who"] == chart.events["DoorOpened"].fields["who"]
    assert (chart.states["Open"].code, chart.states["Open"].doc) == (2, "Open.")


# --- One mistake ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [*cases("vocabulary"), *cases("meaning")])
def test_a_mistake_in_a_chart(tmp_path: Path, case: Case) -> None:
    lines = write_case(tmp_path / "doors.yaml", DOORS, case)
    with pytest.raises(ChartError) as caught:
        read_chart(tmp_path / "doors.yaml")
    assert_says(caught.value, lines, case["says"])


@pytest.mark.parametrize("case", cases("keyed"))
def test_a_mistake_in_a_keyed_chart(tmp_path: Path, case: Case) -> None:
    lines = write_case(tmp_path / "keys.yaml", KEYS, case)
    with pytest.raises(ChartError) as caught:
        read_chart(tmp_path / "keys.yaml")
    assert_says(caught.value, lines, case["says"])


@pytest.mark.parametrize("case", cases("operations"))
def test_a_mistake_in_operations(tmp_path: Path, case: Case) -> None:
    doors, keys, uses = sound(tmp_path)
    lines = write_case(uses, USES, case)
    with pytest.raises(ChartError) as caught:
        read_model([doors, keys, uses])
    assert_says(caught.value, lines, case["says"])


# --- Files that are no charts ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", 1, "the file is empty"),
        (b"# nothing\n", 1, "the file is empty"),
        (b"- a\n- b\n", 1, "the file is a list; write a mapping with the keys chart, version"),
        (b"just text", 1, 'the file is "just text"'),
        (b"chart: doors\ntitle: \xff\n", 2, "not UTF-8"),
        (b"chart: doors\ntitle: \x00\n", 2, "U+0000 is not allowed"),
        (b"[" * 1200, 1, "nested too deeply"),
        (
            b"a: &a [x,x,x,x,x,x,x,x,x]\n"
            + b"".join(
                b"%c: &%c [%s]\n" % (n + 1, n + 1, b",".join([b"*%c" % n] * 9)) for n in b"abcdefg"
            ),
            1,
            "over 100000 values",
        ),
    ],
    ids=["empty", "comment", "list", "text", "latin1", "nul", "deep", "laughs"],
)
def test_a_file_that_is_no_chart(tmp_path: Path, content: bytes, line: int, words: str) -> None:
    file = tmp_path / "file.yaml"
    file.write_bytes(content)
    with pytest.raises(ChartError) as caught:
        read_chart(file)
    assert_says(caught.value, [line], words)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ChartError, match=r"cannot be read: .*; check its path"):
            read_chart(path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "doors.yaml"
    file.write_text(DOORS, encoding="utf-8-sig")
    assert read_chart(file).title == "Doors"


# --- Several at once ------------------------------------------------------------------------------


MANY_OF_SHAPE = [
    ("version: 1.0", 'version: "1.0.0"', "version is 1.0"),
    ("colour: red", "", "unknown key colour"),
    ("uuuid", "uuid", 'carried.gate_id.type is "uuuid"'),
    ("doc: yes", "doc: Yes.", "GateOpened.doc is yes"),
    ("emitt", "emit", "unknown key emitt"),
    ("  Close:\n    rules: []\n", "", "Close stands twice"),
]
MANY_OF_MEANING = [
    (8, "no rule leads to the state Painted"),
    (14, "Opne is no state"),
    (17, "gate_id and who have one number 10"),
    (28, "takes its argument why"),
    (30, "GateOpened.who is of type string"),
    (34, "two rules for Open"),
    (35, "Opened is no state"),
    (35, "GateStuckError is no error"),
]


def test_all_mistakes_of_a_file_are_reported_at_once_first_of_shape_then_of_meaning(
    tmp_path: Path,
) -> None:
    file = tmp_path / "gates.yaml"
    of_shape = [(MANY[: MANY.index(old)].count("\n") + 1, said) for old, _, said in MANY_OF_SHAPE]
    corrected = MANY
    for old, new, _ in MANY_OF_SHAPE:
        corrected = corrected.replace(old, new, 1)
    for text, expected in ((MANY, of_shape), (corrected, MANY_OF_MEANING)):
        file.write_text(text)
        with pytest.raises(ChartError) as caught:
            read_chart(file)
        found = mistakes(caught.value)
        assert [line for line, _ in found] == [line for line, _ in expected], found
        for line, words in expected:
            assert any(at == line and words in said for at, said in found), (line, words)
        assert str(caught.value).splitlines() == [
            f"{file}:{each.line}:{each.column}: {each.what}; {each.remedy}"
            for each in caught.value.mistakes
        ]


def test_all_mistakes_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("doors.yaml", "keys.yaml", "none.yaml", "uses.yaml")]
    write(paths[0], DOORS, "Broken: {code: 3}", "Broken: {code: 1}")
    write(paths[1], KEYS, "order_by: cut_at", "order_by:")
    write(paths[3], USES, "vid: given", "vid: gived")
    with pytest.raises(ChartError) as caught:
        read_model(paths)
    assert [(Path(each.file).name, each.line) for each in caught.value.mistakes] == [
        ("doors.yaml", 9),
        ("keys.yaml", 66),
        ("none.yaml", 1),
        ("uses.yaml", 19),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("chart: doors", "chart: [doors]"),
        ("  Build:", "  build:"),
        ("      who: {type: string}\n    rules", "      who: {type: bool}\n    rules"),
        ("code: 0, initial: true", "code: 0"),
    ],
    ids=["name", "command-shape", "type", "no-initial-state"],
)
def test_no_mistake_in_operations_follows_from_one_in_a_chart(
    tmp_path: Path, old: str, new: str
) -> None:
    """Operations on other charts are checked all the same."""
    paths = sound(tmp_path)
    write(paths[0], DOORS, old, new)
    lines = write(paths[2], USES, "{constant: true}", "{constant: 5}←")
    with pytest.raises(ChartError) as caught:
        read_model(paths)
    found = {Path(each.file).name for each in caught.value.mistakes}
    assert found == {"doors.yaml", "uses.yaml"}
    assert {each.line for each in caught.value.mistakes if each.file == str(paths[2])} == {*lines}


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("{code: 1}", "{code: x}", (7, 16)),
        ("{code: 1}", "{}", (7, 3)),
        ("in: [Shut, Open]", "in: [Shut, Opne]", (57, 21)),
        ("house_id: {type", "house_id: {colour: x, type", (15, 14)),
        ("title: Doors", "title: Doors: x", (3, 13)),
        ("title: Doors", "title: \0", (3, 8)),
        ("  Shut: {code: 1}", "  Shut: {code: 1, code: 2}", (7, 19)),
    ],
    ids=["value", "missing", "item", "unknown", "syntax", "character", "twice"],
)
def test_a_mistake_has_its_line_and_column(
    tmp_path: Path, old: str, new: str, place: tuple[int, int]
) -> None:
    write(tmp_path / "doors.yaml", DOORS, old, new)
    with pytest.raises(ChartError) as caught:
        read_chart(tmp_path / "doors.yaml")
    assert [(each.line, each.column) for each in caught.value.mistakes] == [place]


def test_text_in_another_encoding_has_its_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "doors.yaml").write_bytes("chart: doors\ntitle: Tür".encode("latin-1"))
    with pytest.raises(ChartError, match=r"doors.yaml:2:9: this is not UTF-8 text; save"):
        read_chart(tmp_path / "doors.yaml")


def test_charts_that_share_a_wire_agree(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("doors.yaml", "gates.yaml")]
    write(paths[0], DOORS)
    text = DOORS.replace("chart: doors", "chart: gates")
    lines = write(
        paths[1], text, "wire: {name: EV_OPENED, number: 2}", "wire: {name: EV_OPENED, number: 5}←"
    )
    with pytest.raises(ChartError, match="EV_OPENED = 5 is EV_OPENED = 2 in doors") as caught:
        read_model(paths)
    assert [each.line for each in caught.value.mistakes] == lines
    lines = write(paths[1], text, "who: {type: string, wire: 11}", "who: {type: string, wire: 15}←")
    with pytest.raises(ChartError, match="who string = 15 is who string = 11 in doors") as caught:
        read_model(paths)
    assert [each.line for each in caught.value.mistakes] == lines
    write(paths[1], text.replace("acme.doors", "acme.gates"), "number: 2}", "number: 5}")
    assert list(read_model(paths).charts) == ["doors", "gates"]


def test_two_files_of_one_name(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("doors.yaml", "gates.yaml")]
    for path in paths:
        write(path, DOORS)
    with pytest.raises(ChartError, match=r"gates.yaml:1:1: doors is the name of what .*doors.yaml"):
        read_model(paths)


# --- What is left when something is wrong ---------------------------------------------------------


def test_an_error_carries_its_mistakes_sorted_and_once() -> None:
    first = Mistake("a.yaml", 2, 3, "this is wrong", "write that")
    error = ChartError(
        [Mistake("b.yaml", 1, 1, "x", "y"), Mistake("a.yaml", 10, 1, "x", "y"), first, first]
    )
    assert [(each.file, each.line) for each in error.mistakes] == [
        ("a.yaml", 2),
        ("a.yaml", 10),
        ("b.yaml", 1),
    ]
    assert str(first) == "a.yaml:2:3: this is wrong; write that"
    again = pickle.loads(pickle.dumps(error))
    assert again.mistakes == error.mistakes
    assert str(again) == str(error)


JUNK = [None, 0, -1, 2**40, 5.5, True, [], {}, [None], {"a": None}, {"constant": 1}, {"step": 1}]
JUNK += ["", "x", "Foo", "class", "int32", "Shut", "house_id", "StateConflictError", "DoorOpened"]
JUNK += ["[name]", {"[key]": {}}, {"[mapping]": {"constant": 1.5}}, {"constant": []}, {"step": "x"}]


def refusal(paths: list[Path]) -> str | None:
    """What is said about some files, if anything is wrong with them."""
    try:
        read_model(paths)
    except ChartError as error:
        return str(error)
    return None


def spots(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in some values."""
    for key, value in items(data):
        yield (*path, key)
        yield from spots(value, (*path, key))


@given(data=st.data())
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.slow
def test_whatever_is_wrong_is_told_in_the_files_own_terms(
    tmp_path: Path, data: st.DataObject
) -> None:
    files = {name: yaml.safe_load(text) for name, text in SOUND.items()}
    for _ in range(data.draw(st.integers(1, 6))):
        file = data.draw(st.sampled_from(list(files.values())))
        *path, key = data.draw(st.sampled_from(list(spots(file))))
        owner = file
        for each in path:
            owner = owner[each]
        match data.draw(st.sampled_from(["junk", "remove", "rename"])):
            case "remove":
                del owner[key]
            case "rename" if isinstance(owner, dict):
                owner[data.draw(st.sampled_from(["x", "Foo", "[key]", f"{key}x"]))] = owner.pop(key)
            case _:
                owner[key] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
    for name, file in files.items():
        (tmp_path / name).write_text(yaml.safe_dump(file, sort_keys=False))
    said = refusal([tmp_path / name for name in files])
    assert said is None or (said and not INTERNALS.search(said)), said


# --- Names that charts may not use, and the project's own files -----------------------------------


def test_the_errors_of_the_run_time_are_all_known() -> None:
    base = runtime_errors.WorkflowError
    found = {
        name
        for module in (runtime_errors, runtime_values)
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, base) and not name.startswith("_")
    }
    assert found == set(RUNTIME_ERRORS), "correct RUNTIME_ERRORS in chart/checks/errors.py"


@pytest.mark.parametrize(
    ("base", "known"),
    [
        (runtime_values.Command, names._MODEL),
        (runtime_values.Event, (*names._MODEL, *names._EVENT)),
        (runtime_values.State, names._STATE),
        (Charted, names._ENTRY),
        (runtime_values.DeclaredError, names._ERROR),
        (Facade, names._FACADE),
    ],
)
def test_the_members_of_the_run_times_classes_are_all_known(
    base: type, known: tuple[str, ...]
) -> None:
    """A chart's name for something else would hide them."""
    members = {name for name in (*dir(base), *base.__annotations__) if not name.startswith("_")}
    assert members <= set(known)


def test_the_names_of_generated_modules_are_all_known() -> None:
    """An event or a record of such a name would hide what the module needs."""
    model = read_model(PROJECTS_OWN)
    for chart in model.charts.values():
        errors = {name for name in chart.errors if name not in RUNTIME_ERRORS}
        own = {chart.facade, f"Async{chart.facade}", *chart.events, *chart.records, *errors}
        (root,) = generated.__path__
        for file in Path(root, chart.chart).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                used = set()
                if isinstance(node, ast.ImportFrom | ast.Import):
                    used = {each.asname or each.name for each in node.names}
                elif isinstance(node, ast.ClassDef):
                    used = {node.name}
                for name in used - own - set(CLASSES):
                    possible = re.fullmatch(r"[A-Z][A-Za-z0-9]*", name)
                    taken = name.startswith("Cmd") or name in RUNTIME_ERRORS
                    assert not possible or taken, f"{name} of {file} is not in CLASSES"


def test_the_projects_files_are_found_beside_the_source() -> None:
    assert sorted(each.name for each in model_directory().glob("*.yaml")) == [
        "ping_registry.yaml",
        "ping_registry_index.yaml",
        "ping_registry_invariant.yaml",
        "ping_registry_operations.yaml",
        "ping_registry_properties.yaml",
        "ping_registry_service.yaml",
        "ping_registry_system.yaml",
    ]


def test_the_wheels_own_files_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "site-packages" / "pingregistrywf" / "model"
    installed.mkdir(parents=True)
    write(installed / "doors.yaml", DOORS)
    monkeypatch.setattr(locate, "_PLACES", (installed, model_directory()))
    assert model_directory() == installed
    assert list(load_model().charts) == ["doors"]


def test_missing_files_are_told_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "_PLACES", (tmp_path / "one", tmp_path / "two"))
    with pytest.raises(
        FileNotFoundError, match=r"charts of pingregistrywf are missing: .*one and .*two; install"
    ):
        model_directory()
