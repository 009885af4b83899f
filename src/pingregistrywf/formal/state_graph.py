"""The graph of all states that a module can reach, with the action of each step.

It is for small models, whose every step is to be compared with something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from pingregistrywf.formal.jvm import workspace
from pingregistrywf.formal.tlc import ModelError, run
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.formal.values import Value, parse_state

_LABEL: Final = r'\[label="(?P<label>(?:[^"\\]|\\.)*)"'
_NODE: Final = re.compile(rf"(?P<state>-?\d+) {_LABEL}(?P<initial>,style = filled)?")
_EDGE: Final = re.compile(rf"(?P<source>-?\d+) -> (?P<target>-?\d+) {_LABEL}")


class Edge(NamedTuple):
    """A step: the states before and after it by their numbers, and the name of its action."""

    source: int
    action: str
    target: int


@dataclass(frozen=True, slots=True)
class StateGraph:
    """The states that can be reached, and the steps between them.

    Attributes:
        states: the variables of each state, by a number that means nothing.
        initial: the numbers of the initial states.
        edges: the steps, in the order in which TLC took them.
    """

    states: Mapping[int, Mapping[str, Value]]
    initial: frozenset[int]
    edges: tuple[Edge, ...]

    def walks(self) -> Iterator[list[Edge]]:
        """Yield walks from an initial state that together take every step."""
        leaving: dict[int, list[Edge]] = {}
        for edge in self.edges:
            leaving.setdefault(edge.source, []).append(edge)
        arriving: dict[int, Edge | None] = dict.fromkeys(self.initial)
        for state in (found := list(self.initial)):  # grows, the nearest states first
            for edge in leaving.get(state, ()):
                if edge.target not in arriving:
                    arriving[edge.target] = edge
                    found.append(edge.target)
        left = set(self.edges)
        for state in reversed(found):  # the farthest first: the ways there take many other steps
            for edge in leaving.get(state, ()):
                if edge in left:
                    walk = _way(arriving, edge)
                    left.difference_update(walk)
                    while further := [e for e in leaving.get(walk[-1].target, ()) if e in left]:
                        walk.append(further[0])
                        left.remove(further[0])
                    yield walk


def _way(arriving: Mapping[int, Edge | None], last: Edge) -> list[Edge]:
    """Return the way from an initial state that ends with a step."""
    way, edge = [last], arriving[last.source]
    while edge is not None:
        way.append(edge)
        edge = arriving[edge.source]
    return way[::-1]


def state_graph(
    toolchain: Toolchain, files: Mapping[str, str], module: str, config: str
) -> StateGraph:
    """Return the graph of a module's states.

    Args:
        toolchain: the TLA+ tools.
        files: the module and those that it uses, by the names of their files.
        module: the module's name.
        config: the text of the configuration; without liveness properties, which add steps.

    Raises:
        ModelError: TLC cannot check the model, or a property of the configuration does not hold.
    """
    with workspace(files) as work:
        options = ["-workers", "1", "-deadlock", "-dump", "dot,actionlabels", "graph"]
        outcome = run(toolchain, work, module, config, options)
        if outcome.violation is not None:
            raise ModelError(outcome.violation.text, outcome.violation.trace)
        return _read_dot((work / "graph.dot").read_text(encoding="utf-8"))


def _read_dot(text: str) -> StateGraph:
    states: dict[int, Mapping[str, Value]] = {}
    initial: set[int] = set()
    edges: list[Edge] = []
    for line in text.splitlines():
        if edge := _EDGE.match(line):
            edges.append(Edge(int(edge["source"]), edge["label"], int(edge["target"])))
        elif node := _NODE.match(line):
            number = int(node["state"])
            states[number] = parse_state(_unescaped(node["label"]))
            if node["initial"]:
                initial.add(number)
    return StateGraph(states, frozenset(initial), tuple(edges))


def _unescaped(label: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], label)
