"""Diagrams show what the total table says, always by the same bytes, and legibly."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from pingregistrywf.chart.ir import DELETED, Chart, Outcome
from pingregistrywf.chart.lower import lower_chart
from pingregistrywf.chart.vocabulary import Chart as Written
from pingregistrywf.generate import layout
from pingregistrywf.generate.diagram import Kind, arrows
from pingregistrywf.generate.layout import LayoutError
from pingregistrywf.generate.lettering import width
from pingregistrywf.generate.mermaid import mermaid
from pingregistrywf.generate.notations import dot, plantuml, quoted, scxml, xstate
from pingregistrywf.generate.svg import COLOURS, svg

MODEL = Path(__file__).parents[2] / "model"
SVG = "{http://www.w3.org/2000/svg}"

# Eight states, seventeen commands, ways back, long labels, one loop with two events, a state by
# Mermaid's own words, a code of ten digits, and prose that needs escaping.
ORDERS = """
chart: orders
version: "1.0.0"
title: 'Orders & <parcels> "fast" \\ ]]>'
doc: An order from the basket to the door.
states:
  Basket: {code: 0, initial: true, doc: The customer is still choosing.}
  Placed: {code: 1, doc: 'The order is placed & waits for <payment>.'}
  State: {code: 2, doc: The money is here.}
  Packed: {code: 3, doc: The parcel is packed.}
  Shipped: {code: 10, doc: The parcel is on its way.}
  Delivered: {code: 11, doc: The parcel has arrived.}
  End: {code: 20, doc: The parcel came back.}
  Cancelled: {code: 2147483647, doc: The order is off.}
events:
  OrderPlaced: {wire: {name: EV_PLACED, number: 1}, to: Placed}
  NoteAdded: {wire: {name: EV_NOTE, number: 2}, to: Placed}
  AddressChangedByTheCustomer: {wire: {name: EV_ADDRESS, number: 3}, to: Placed}
  OrderPaid: {wire: {name: EV_PAID, number: 4}, to: State}
  OrderPacked: {wire: {name: EV_PACKED, number: 5}, to: Packed}
  OrderUnpacked: {wire: {name: EV_UNPACKED, number: 6}, to: State}
  ParcelShipped: {wire: {name: EV_SHIPPED, number: 7}, to: Shipped}
  ParcelScanned: {wire: {name: EV_SCANNED, number: 8}, to: Shipped}
  ParcelDelivered: {wire: {name: EV_DELIVERED, number: 9}, to: Delivered}
  ParcelReturned: {wire: {name: EV_RETURNED, number: 10}, to: End}
  OrderCancelled: {wire: {name: EV_CANCELLED, number: 11}, to: Cancelled}
  OrderRefunded: {wire: {name: EV_REFUNDED, number: 12}, to: Cancelled}
  OrderReopened: {wire: {name: EV_REOPENED, number: 13}, to: Basket}
commands:
  Place:
    args: {customer: {type: string}, basket: {type: uuid}}
    rules:
      - {in: [Basket], emit: OrderPlaced, doc: 'An <order> "begins" & goes on.'}
      - in: [Placed]
        same: [customer, basket]
        noop: Placed already.
        else: ArgumentNotIdempotentError
  AddNote: {rules: [{in: [Placed], emit: NoteAdded}]}
  ChangeAddress: {rules: [{in: [Placed], emit: AddressChangedByTheCustomer}]}
  PayByCard: &pay
    rules:
      - {in: [Placed], emit: OrderPaid}
      - {in: [State, Packed, Shipped], noop: Paid already.}
  PayByInvoice: *pay
  PayByVoucher: *pay
  PayInTheShop: *pay
  Pack: {rules: [{in: [State], emit: OrderPacked}, {in: [Packed], noop: Packed already.}]}
  Unpack: {rules: [{in: [Packed], emit: OrderUnpacked}]}
  Ship: {rules: [{in: [Packed], emit: ParcelShipped}]}
  Scan: {rules: [{in: [Shipped], emit: ParcelScanned}]}
  Deliver: {rules: [{in: [Shipped], emit: ParcelDelivered}]}
  Return: {rules: [{in: [Shipped, Delivered], emit: ParcelReturned}]}
  Cancel:
    rules:
      - {in: [Basket, Placed, State, Packed], emit: OrderCancelled}
      - {in: [Cancelled], noop: Off already.}
  Refund: {rules: [{in: [End, State, Delivered], emit: OrderRefunded}]}
  Reopen: {rules: [{in: [Cancelled], emit: OrderReopened}]}
  Delete: {rules: [{in: [Delivered, End, Cancelled], delete: true}]}
errors:
  ArgumentNotIdempotentError: {doc: Another basket.}
"""

# The smallest chart: one state, which nothing leaves.
LAMP = """
chart: lamp
version: "1.0.0"
title: Lamp
states: {Lit: {code: 0, initial: true}}
events: {Blinked: {wire: {name: EV_BLINKED, number: 1}, to: Lit}}
commands: {Blink: {rules: [{in: [Lit], emit: Blinked}]}}
"""


def _lowered(text: str) -> Chart:
    return lower_chart(Written.model_validate(yaml.safe_load(text)))


CHARTS = {
    chart.name: chart
    for chart in (
        _lowered((MODEL / "ping_registry.yaml").read_text(encoding="utf-8")),
        _lowered((MODEL / "ping_registry_index.yaml").read_text(encoding="utf-8")),
        _lowered(ORDERS),
        _lowered(LAMP),
    )
}
FORMATS: dict[str, Callable[[Chart], str]] = {
    "mermaid": mermaid,
    "dot": dot,
    "plantuml": plantuml,
    "scxml": scxml,
    "svg": svg,
    "xstate": xstate,
}


@pytest.fixture(params=CHARTS)
def chart(request: pytest.FixtureRequest) -> Chart:
    return CHARTS[request.param]


def _accepted(chart: Chart) -> set[tuple[str, str, str, str | None]]:
    """What a diagram shows: each accepted command, from where to where, by what.  A rewrite of the
    whole history changes no entry's state, and is not shown."""
    return {
        (cell.command, cell.state, cell.target, cell.event)
        for cell in chart.table
        if cell.outcome not in (Outcome.REJECT, Outcome.REWRITE)
    }


def _root(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(svg(chart))


# --- What is shown --------------------------------------------------------------------------------


def test_arrows_are_the_accepted_cells(chart: Chart) -> None:
    drawn = [
        (command, arrow.source, arrow.target, arrow.event)
        for arrow in arrows(chart)
        for command in arrow.commands
    ]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == _accepted(chart)


def test_svg_shows_the_accepted_cells(chart: Chart) -> None:
    shown = set()
    for group in _root(chart).iter(f"{SVG}g"):
        if "data-source" in group.attrib:
            fact = group.attrib
            told = [t for t in group.iter(f"{SVG}tspan") if "data-command" in t.attrib]
            assert [t.text for t in told] == fact["data-command"].split()
            assert [t.get("data-rule") for t in told] == fact["data-rule"].split()
            for command, rule in zip(
                fact["data-command"].split(), fact["data-rule"].split(), strict=True
            ):
                cell = chart.cell(command, fact["data-source"])
                assert (cell.rule, cell.outcome) == (rule, fact["data-outcome"])
                shown.add((command, fact["data-source"], fact["data-target"], cell.event))
                assert fact.get("data-event") == cell.event
    assert shown == _accepted(chart)


def test_svg_shows_the_states(chart: Chart) -> None:
    states = [g for g in _root(chart).iter(f"{SVG}g") if "data-state" in g.attrib]
    assert [g.get("data-state") for g in states] == list(chart.columns)
    assert [g.get("data-state") for g in states if g.get("data-initial")] == [chart.initial]
    for group in states:
        name = group.attrib["data-state"]
        texts = [text.text for text in group.iter(f"{SVG}text")]
        code = [] if name == DELETED else [str(chart.states[name].code)]
        assert texts == [*code, name]
        assert group.get("data-code") == (code[0] if code else None)


def test_dot_shows_the_accepted_cells(chart: Chart) -> None:
    shown = set()
    for line in dot(chart).splitlines():
        if match := re.fullmatch(r'  "(\w+)" -> "(\w+)" \[label="([^"]*)"(.*)\]', line):
            source, target, label, style = match.groups()
            *told, effect = label.split("\\n")
            event = effect[2:] if effect.startswith("/ ") else None
            assert ("dashed" in style) == (source == target)
            assert ("dotted" in style) == (target == DELETED and source != DELETED)
            shown |= {(command.split()[0], source, target, event) for command in told}
    assert shown == _accepted(chart)


def test_mermaid_shows_the_accepted_cells(chart: Chart) -> None:
    text = mermaid(chart)
    names = dict(re.findall(r'    state "(\w+)(?: \(\d+\))?" as (\w+)', text))
    assert list(names) == list(chart.columns)
    states = {name: state for state, name in names.items()}
    shown = set()
    for line in text.splitlines():
        if match := re.fullmatch(r"    (\w+) --> (\w+) : (.*) / (.*)", line):
            source, target, told, effect = match.groups()
            event = None if effect == "deletes the history" else effect
        elif match := re.fullmatch(r"    (\w+) : stays by (.*) / (.*)", line):
            (source, told, event), target = match.groups(), match[1]
            assert f"    {source} --> {source}\n" in text
        elif match := re.fullmatch(r"    (\w+) : no change by (.*)", line):
            (source, told), target, event = match.groups(), match[1], None
        else:
            continue
        for command in re.sub(r" \(.*?\)", "", told).split(", "):
            shown.add((command, states[source], states[target], event))
    assert shown == _accepted(chart)
    assert f"    [*] --> {names[chart.initial]}\n" in text


def test_plantuml_shows_the_accepted_cells(chart: Chart) -> None:
    shown = set()
    for line in plantuml(chart).splitlines():
        if match := re.fullmatch(r"s_(\w+) -(?:\[(.*)\])?-> s_(\w+) : (.*)", line):
            source, style, target, label = match.groups()
            *told, effect = label.split("\\n")
            event = effect[2:] if effect.startswith("/ ") else None
            assert ("dashed" in (style or "")) == (source == target)
            assert ("dotted" in (style or "")) == (target == DELETED and source != DELETED)
            shown |= {(command.split()[0], source, target, event) for command in told}
    assert shown == _accepted(chart)


def test_what_one_arrow_holds() -> None:
    drawn = {(a.source, a.target, a.kind): a for a in arrows(CHARTS["ping_registry"])}
    both = drawn["Summarized", "Completed", Kind.MOVE]
    assert both.commands == ("Commit", "AbortExpired")
    assert both.event == "PingRegistryCompleted"
    assert drawn["Appending", "Appending", Kind.LOOP].commands == ("AppendPing",)
    assert drawn["Terminated", "Terminated", Kind.NOOP].commands == ("AbortExpired", "End")
    assert drawn["Terminated", DELETED, Kind.DELETE].commands == ("Delete",)


def test_the_arguments_that_a_noop_asks_for() -> None:
    assert "Init (same registry_id)" in mermaid(CHARTS["ping_registry"])
    assert "Place (same arguments)" in mermaid(CHARTS["orders"])


def test_what_stays_is_dashed_and_what_deletes_is_dotted() -> None:
    rule = re.compile(r"^\.chart-diagram (\.\S+ \.line) \{ (.*) \}$", re.MULTILINE)
    styles = dict(rule.findall(svg(CHARTS["orders"])))
    assert "dasharray" in styles[".loop .line"]
    assert "dasharray" in styles[".noop .line"]
    assert "var(--gone)" in styles[".delete .line"]
    assert ".move .line" not in styles
    for group in _root(CHARTS["orders"]).iter(f"{SVG}g"):
        if "data-source" in group.attrib:
            kind = group.attrib["class"].split()[1]
            stays = group.get("data-source") == group.get("data-target")
            assert (kind in ("loop", "noop")) == stays
            assert (kind == "delete") == (group.get("data-outcome") == "delete")


# --- Always the same bytes ------------------------------------------------------------------------

_DIGESTS = """
import hashlib, sys, yaml
from pingregistrywf.chart.lower import lower_chart
from pingregistrywf.chart.vocabulary import Chart
from pingregistrywf.generate.artefacts import FORMATS
chart = lower_chart(Chart.model_validate(yaml.safe_load(sys.stdin.read())))
for draw in map(FORMATS.get, ("mmd", "dot", "puml", "scxml", "svg", "xstate.json")):
    print(hashlib.sha256(draw(chart).encode()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_same_bytes_whatever_the_hash_seed(seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _DIGESTS],
        input=ORDERS,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C.UTF-8", "COLUMNS": "40"},
    )
    chart = _lowered(ORDERS)
    here = [hashlib.sha256(draw(chart).encode()).hexdigest() for draw in FORMATS.values()]
    assert done.stdout.split() == here


@pytest.mark.parametrize("form", FORMATS)
def test_text_ends_as_text_does(form: str, chart: Chart) -> None:
    text = FORMATS[form](chart)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\r" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


# --- Well-formed, and complete by itself ----------------------------------------------------------


def test_svg_is_accessible(chart: Chart) -> None:
    root = _root(chart)
    assert root.get("role") == "img"
    ids = {e.attrib["id"]: e for e in root.iter() if "id" in e.attrib}
    title, desc = (ids[name] for name in root.attrib["aria-labelledby"].split())
    assert (title.tag, desc.tag) == (f"{SVG}title", f"{SVG}desc")
    assert title.text == f"{chart.title}: states and commands"
    for command, _, _, event in _accepted(chart):
        assert command in (desc.text or "")
        assert (event or "") in (desc.text or "")


def test_svg_can_stand_in_a_page_with_others(chart: Chart) -> None:
    root = _root(chart)
    ids = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    assert len(ids) == len(set(ids))
    assert all(name.startswith(f"{chart.name}-") for name in ids)
    style = next(root.iter(f"{SVG}style")).text or ""
    flat = re.sub(r"@media [^{]*\{(.*)\}$", r"\1", style, flags=re.MULTILINE)
    selectors = [s.strip() for rule in re.findall(r"([^{}]+)\{", flat) for s in rule.split(",")]
    assert selectors
    assert all(re.match(r"\.chart-diagram\b", selector) for selector in selectors)


def test_svg_refers_to_nothing_outside(chart: Chart) -> None:
    text = svg(chart)
    assert re.findall(r"https?:[^\"' ]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"url\(|@import|@font-face|<(image|use|script|foreignObject)\b|href", text)
    assert "var(--" in text
    assert "@media (prefers-color-scheme: dark)" in text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "ping_registry",
            (
                "Every other command is refused, with StateConflictError, HistoryDeletedError or"
                " ArgumentNotIdempotentError."
            ),
        ),
        (
            "ping_registry_index",
            (
                "Snapshot rewrites the history and changes no state. Every other command is"
                " refused, with UnknownWorkflowError or StateConflictError."
            ),
        ),
    ],
)
def test_svg_says_what_happens_to_commands_without_an_arrow(name: str, said: str) -> None:
    root = _root(CHARTS[name])
    legend = next(each for each in root.iter(f"{SVG}g") if each.get("class") == "legend")
    lines = [(each.text or "").strip() for each in legend.findall(f"{SVG}text")]
    assert " ".join(lines).endswith(f"Inside a state: commands that do not leave it. {said}")
    assert (next(root.iter(f"{SVG}desc")).text or "").endswith(f" {said}")


def test_svg_of_a_chart_that_refuses_nothing_speaks_of_no_refusal() -> None:
    assert "refused" not in svg(CHARTS["lamp"])


def test_titles_and_prose_are_escaped() -> None:
    orders = CHARTS["orders"]
    root = _root(orders)
    assert 'An <order> "begins" & goes on.' in "".join(root.itertext())
    assert "The order is placed & waits for <payment>." in "".join(root.itertext())
    header = mermaid(orders).split("---\n")[1]
    assert yaml.safe_load(header) == {"title": orders.title}
    assert '  graph [label="Orders & <parcels> \\"fast\\" \\\\ ]]>",' in dot(orders)
    assert 'title Orders & ~<parcels> "fast" \\ ]]>\n' in plantuml(orders)
    assert quoted('a"b\\c\nd') == '"a\\"b\\\\c\\nd"'


def test_mermaid_keeps_clear_of_mermaids_words() -> None:
    text = mermaid(CHARTS["orders"])
    assert '    state "State (2)" as s_State\n' in text
    assert '    state "End (20)" as s_End\n' in text
    assert "    s_State --> Packed : Pack / OrderPacked\n" in text


def test_dot_is_read_by_graphviz(chart: Chart) -> None:
    done = subprocess.run(
        [layout.executable(), "-Tsvg"], input=dot(chart).encode(), capture_output=True, check=True
    )
    assert done.stderr == b""
    assert ElementTree.fromstring(done.stdout).tag == f"{SVG}svg"


# --- Legible --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rectangle:
    what: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Rectangle) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, x: float, y: float) -> bool:
        return self.left < x < self.right and self.top < y < self.bottom

    def within(self, other: Rectangle) -> bool:
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )


def _texts(root: ElementTree.Element) -> Iterator[Rectangle]:
    for text in root.iter(f"{SVG}text"):
        style = text.get("class", "")
        size = {"name": 14, "label": 12}.get(style, 11)
        spans = [(s.text or "", s.get("class") == "command") for s in text.iter(f"{SVG}tspan")]
        parts = spans or [(text.text or "", style == "name")]
        wide = sum(width(part, size, bold=bold) for part, bold in parts)
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        left = x - wide / 2 if style in ("name", "code") else x
        # Capitals are about 0.73 of the size above the line, descenders 0.22 below it.
        what = "".join(part for part, _ in parts)
        yield Rectangle(what, left, y - 0.73 * size, left + wide, y + 0.22 * size)


def _rectangle(element: ElementTree.Element) -> Rectangle:
    x, y, w, h = (float(element.attrib[name]) for name in ("x", "y", "width", "height"))
    return Rectangle(element.get("class", "box"), x, y, x + w, y + h)


def test_no_text_meets_another_or_leaves_the_paper(chart: Chart) -> None:
    root = _root(chart)
    texts = list(_texts(root))
    assert [(a.what, b.what) for a, b in combinations(texts, 2) if a.meets(b)] == []
    paper = _rectangle(root.findall(f"{SVG}rect[@class='paper']")[0])
    assert [text.what for text in texts if not text.within(paper)] == []


def test_no_text_leaves_its_box(chart: Chart) -> None:
    root = _root(chart)
    boxes = {}
    for group in root.iter(f"{SVG}g"):
        if "data-state" in group.attrib:
            box = boxes[group.attrib["data-state"]] = _rectangle(group.findall(f"{SVG}rect")[0])
            assert [text.what for text in _texts(group) if not text.within(box)] == []
    for group in root.iter(f"{SVG}g"):
        if "data-source" in group.attrib:
            inside = group.get("data-source") == group.get("data-target")
            for text in _texts(group):
                if inside:
                    assert text.within(boxes[group.attrib["data-source"]])
                else:
                    assert not any(text.meets(box) for box in boxes.values())


def _curve(path: str) -> Iterator[tuple[float, float]]:
    first, rest = path.removeprefix("M").split("C")
    points = [tuple(map(float, p.split(","))) for p in [first, *rest.split("L")[0].split()]]
    for i in range(0, len(points) - 1, 3):
        for step in range(51):
            t = step / 50
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            yield (
                sum(w * p[0] for w, p in zip(weights, points[i : i + 4], strict=True)),
                sum(w * p[1] for w, p in zip(weights, points[i : i + 4], strict=True)),
            )


def test_no_line_passes_through_a_text(chart: Chart) -> None:
    root = _root(chart)
    texts = list(_texts(root))
    lines = [path for path in root.iter(f"{SVG}path") if path.get("class") == "line"]
    assert texts
    assert lines
    for line in lines:
        for x, y in _curve(line.attrib["d"]):
            assert [text.what for text in texts if text.holds(x, y)] == []


def test_ping_registry_fits_a_readme() -> None:
    assert float(_root(CHARTS["ping_registry"]).attrib["width"]) <= 900


def test_widths_are_enough_for_the_usual_fonts() -> None:
    # Measured with the fonts' own tables: DejaVu Sans and Liberation Sans (Arial's widths).
    assert width("PingRegistryCompleted", 1) >= max(11.742, 10.505)
    assert width("PingRegistryCompleted", 1, bold=True) >= max(13.3, 11.335)
    assert width("WWW mmm 000", 1, bold=True) >= max(9.219, 7.723)
    assert width("illicit", 1) >= 7 * 0.602  # DejaVu Sans Mono
    assert width("注文", 1) >= 2
    assert width("e\N{COMBINING ACUTE ACCENT}", 1) == width("e", 1)


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "box"])
def test_contrast(scheme: int, ground: str) -> None:
    colours = {name: pair[scheme] for name, pair in COLOURS.items()}
    for text in ("ink", "muted", "event", "gone"):
        assert _contrast(colours[text], colours[ground]) >= 4.5, text
    for line in ("edge", "line"):
        assert _contrast(colours[line], colours[ground]) >= 3, line


# --- Graphviz -------------------------------------------------------------------------------------


def test_graphviz_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(layout, "COMMAND", "graphviz-that-is-not-installed")
    # What is elsewhere on PATH may be another version, which draws otherwise: it is not asked.
    other = tmp_path / "graphviz-that-is-not-installed"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(LayoutError, match=r"pip install .*\[model\]"):
        svg(CHARTS["lamp"])


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'out of paper' >&2; exit 3", "out of paper"),
        ("exit 3", "exit code 3"),
        ("echo no json", "Expecting value"),
    ],
)
def test_graphviz_fails(
    script: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_text(f"#!/bin/sh\ncat >/dev/null\n{script}\n")
    broken.chmod(0o755)
    monkeypatch.setattr(layout, "executable", lambda: str(broken))
    with pytest.raises(LayoutError, match=why):
        svg(CHARTS["lamp"])
