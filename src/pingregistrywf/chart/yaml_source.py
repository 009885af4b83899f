"""Read YAML as plain values that know their lines, without YAML's surprises.

A file is one YAML document.  What YAML 1.1 reads otherwise than people write it is a mistake: a key
that stands twice (of which a YAML library keeps the last), ``yes``, ``no``, ``on`` and ``off`` as
booleans, ``010`` as eight, ``12:30`` as 750, and dates.  Anchors, aliases and merge keys are fine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from pingregistrywf.chart.mistakes import Mark, Path, Report, spoken

MOST_VALUES: Final = 100_000
"""More values than this are refused: a few aliases of aliases can stand for any number of them."""

_TAG = "tag:yaml.org,2002:"
_MEANT = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_LEADING_ZERO = re.compile(r"([-+]?)0+_*([0-9][0-9_]*)")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SYNTAX_REMEDIES = {
    "'\\t'": "indent with spaces instead of tabs",
    "mapping values are not": 'put text that has ": " in it in quotes, and check the indentation',
    "undefined alias": "define the anchor before it is used",
    "another document": "remove the line ---, or write a second file",
    "": "check the quotes, brackets and indentation here and in the lines before",
}
"""What to write instead, by words in PyYAML's message."""
_KINDS = {"int": "a number", "float": "a number", "timestamp": "a date", "null": "nothing"}


UNREADABLE: Final = object()
"""Stands for a value that could not be read, and whose mistake is reported already."""


@dataclass
class YamlSource:
    """What a file says.

    Attributes:
        report: where each value is, and the mistakes.
        data: the file's values, with ``UNREADABLE`` where one could not be read.
        texts: how each value that YAML does not read as text is written.
    """

    report: Report
    data: Any = UNREADABLE
    texts: dict[Path, str] = field(default_factory=dict)


def parse(content: bytes, report: Report) -> YamlSource:
    """Read the values of a file; its marks and mistakes go to the report."""
    source = YamlSource(report)
    report.lines = content.decode("utf-8-sig", errors="replace").splitlines()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = _mark_after(content[: error.start].decode("utf-8-sig"))
        report.say_at(mark, "this is not UTF-8 text", "save the file as UTF-8")
        return source
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            report.say((), "the file is empty", "write a chart or operations")
        else:
            source.data = _Reading(source).value(node, ())
    except yaml.reader.ReaderError as error:
        what = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
        report.say_at(_mark_after(text[: error.position]), what, "remove it")
    except yaml.MarkedYAMLError as error:
        problem = error.problem or ""
        mark = _mark(error.problem_mark or error.context_mark)
        remedy = next(each for words, each in _SYNTAX_REMEDIES.items() if words in problem)
        report.say_at(mark, f"this is not YAML: {problem}", remedy)
    except RecursionError:
        report.say((), "the file is nested too deeply", "nest less")
    except _TooMuchError:
        report.say((), f"the file holds over {MOST_VALUES} values", "use fewer aliases")
    return source


class _TooMuchError(Exception):
    pass


class _Reading:
    """Turns YAML's nodes into values."""

    def __init__(self, source: YamlSource) -> None:
        self._report = source.report
        self._texts = source.texts
        self._marks: dict[Path, Mark] = {}
        self._values: dict[Path, Mark] = {}
        self._open: list[yaml.Node] = []
        self._left = MOST_VALUES
        self._scalars = yaml.constructor.SafeConstructor()
        source.report.marks = self._marks
        source.report.values = self._values

    def value(self, node: yaml.Node, at: Path) -> Any:
        self._marks.setdefault(at, _mark(node.start_mark))
        self._values.setdefault(at, _mark(node.start_mark))
        self._left -= 1
        if self._left < 0:
            raise _TooMuchError
        if any(node is each for each in self._open):
            return self._refuse(at, "is an alias of something that it is part of", "write it out")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, at)
        kind = node.tag.removeprefix(_TAG)
        if kind not in ("seq", "map"):
            return self._refuse(at, f"has the YAML tag {node.tag}", "remove the tag")
        self._open.append(node)
        if kind == "map":
            value: Any = self._mapping(node, at)
        else:
            value = [self.value(each, (*at, n)) for n, each in enumerate(node.value, start=1)]
        self._open.pop()
        return value

    def _mapping(self, node: yaml.Node, at: Path) -> dict[str, Any]:
        read: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                sequence = isinstance(value_node, yaml.SequenceNode)
                merged += value_node.value if sequence else [value_node]
                continue
            key = self._key(key_node, at)
            if key is None:
                continue
            place, mark = (*at, key), _mark(key_node.start_mark)
            if key in read:
                what = f"{spoken(place)} stands twice, first in line {self._marks[place].line}"
                self._report.say_at(mark, what, "remove one of the two")
                continue
            self._marks.setdefault(place, mark)
            read[key] = self.value(value_node, place)
        for each in merged:
            read = {**self._merged(each, at), **read}
        return read

    def _merged(self, node: yaml.Node, at: Path) -> dict[str, Any]:
        if isinstance(node, yaml.MappingNode):
            inherited = self.value(node, at)
            return inherited if isinstance(inherited, dict) else {}
        what = f"<< in {spoken(at)} merges no mapping"
        self._report.say_at(_mark(node.start_mark), what, "write *ANCHOR after <<")
        return {}

    def _key(self, node: yaml.Node, at: Path) -> str | None:
        if not isinstance(node, yaml.ScalarNode) or node.value.startswith("["):
            what = f"a key of {spoken(at)} is no name"
            remedy = "write a name, or put text with braces in quotes"
        elif node.tag != f"{_TAG}str":
            written = node.value or "(empty)"
            what = f"the key {written} of {spoken(at)} is read by YAML as {_kind(node)}"
            remedy = "write another name"
        elif _LONE_SURROGATE.search(node.value):
            what = f"a key of {spoken(at)} holds half of a surrogate pair, which no text can"
            remedy = "write the character itself"
        else:
            return str(node.value)
        self._report.say_at(_mark(node.start_mark), what, remedy)
        return None

    def _scalar(self, node: yaml.ScalarNode, at: Path) -> Any:
        text, kind = node.value, node.tag.removeprefix(_TAG)
        shown = f"is {text}, which YAML reads as {_kind(node)}"
        quoted = f'"{text}"'
        if node.style is None and (zero := _LEADING_ZERO.fullmatch(text)):
            what = f"is {text}: YAML reads numbers with a leading 0 in its own way"
            return self._refuse(at, what, f"write {zero[1]}{zero[2]}, or {quoted} if text is meant")
        match kind:
            case "str" if _LONE_SURROGATE.search(text):
                what = "holds half of a surrogate pair, which no text can"
                return self._refuse(at, what, "write the character itself")
            case "str":
                return text
            case "null":
                return None
            case "bool" if meant := _MEANT.get(text.lower()):
                return self._refuse(at, shown, f"write {meant}, or {quoted} if text is meant")
            case "timestamp":
                return self._refuse(at, shown, f"write {quoted}")
            case "int" | "float" if ":" in text:
                return self._refuse(at, shown, f"write {quoted}")
            case "bool" | "int" | "float":
                self._texts[at] = text
                try:
                    return self._scalars.construct_object(node)
                except ValueError:
                    what = f"is no number that can be read: {text[:40]}"
                    return self._refuse(at, what, "correct it")
            case _:
                return self._refuse(at, f"has the YAML tag {node.tag}", "remove the tag")

    def _refuse(self, at: Path, what: str, remedy: str) -> Any:
        self._report.say(at, f"{spoken(at)} {what}", remedy, value=True)
        return UNREADABLE


def _mark(mark: yaml.Mark | None) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)


def _mark_after(text: str) -> Mark:
    """The mark of what follows a text."""
    return Mark(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _kind(node: yaml.ScalarNode) -> str:
    """What YAML reads a value as, for people."""
    kind = node.tag.removeprefix(_TAG)
    if kind == "bool":
        return "true" if node.value.lower() in ("yes", "on", "true") else "false"
    return _KINDS.get(kind, "something else")
