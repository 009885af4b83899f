"""YAML as plain values that know their lines, without YAML's surprises.

A file is one YAML document.  What YAML 1.1 reads otherwise than people write it is a mistake: a key
that stands twice (of which a YAML library keeps the last), ``yes``, ``no``, ``on`` and ``off`` as
booleans, ``010`` as eight, ``12:30`` as 750, and dates.  Anchors, aliases and merge keys are fine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from pingregistrywf.chart.mistakes import Path, Report, spoken

MOST_VALUES: Final = 100_000
"""More values than this are refused: a few aliases of aliases can stand for any number of them."""

_TAG = "tag:yaml.org,2002:"
_SAID_OTHERWISE = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_LEADING_ZERO = re.compile(r"([-+]?)0+_*([0-9][0-9_]*)")


class Spoiled:
    """Stands where a value could not be read; why is reported already."""


SPOILED: Final = Spoiled()


@dataclass
class YamlSource:
    """What a file says.

    Attributes:
        data: its values, with ``SPOILED`` where one could not be read.
        texts: how each value that YAML does not read as text is written.
    """

    data: Any = SPOILED
    texts: dict[Path, str] = field(default_factory=dict)


def parse(content: bytes, report: Report) -> YamlSource:
    """The values of a file; its lines and mistakes go to the report."""
    source = YamlSource()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        report.lines = {(): content[: error.start].count(b"\n") + 1}
        report.spoil((), "this is not UTF-8 text", "save the file as UTF-8")
        return source
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            report.spoil((), "the file is empty", "write a chart or operations")
        else:
            source.data = _Reading(report, source).value(node, ())
    except yaml.reader.ReaderError as error:
        report.lines = {(): text[: error.position].count("\n") + 1}
        named = f"U+{ord(text[error.position]):04X}"
        report.spoil((), f"the character {named} is not allowed in YAML", "remove it")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        report.lines = {(): mark.line + 1 if mark else 1}
        report.spoil((), f"this is not YAML: {error.problem}", _syntax_remedy(error.problem or ""))
    except RecursionError:
        report.spoil((), "the file is nested too deeply", "nest less")
    except _TooMuchError:
        report.spoil((), f"the file holds over {MOST_VALUES} values", "use fewer aliases")
    return source


def _syntax_remedy(problem: str) -> str:
    if "'\\t'" in problem:
        return "indent with spaces instead of tabs"
    if "mapping values are not allowed" in problem:
        return 'put text that has ": " in it in quotes, and check the indentation'
    if "undefined alias" in problem:
        return "define the anchor before it is used"
    if "another document" in problem:
        return "remove the line ---, or write a second file"
    return "check the quotes, brackets and indentation here and in the lines before"


class _TooMuchError(Exception):
    pass


class _Reading:
    """Turns YAML's nodes into values."""

    def __init__(self, report: Report, source: YamlSource) -> None:
        self._report = report
        self._texts = source.texts
        self._lines: dict[Path, int] = {}
        self._open: list[yaml.Node] = []
        self._left = MOST_VALUES
        self._scalars = yaml.constructor.SafeConstructor()
        report.lines = self._lines

    def value(self, node: yaml.Node, at: Path) -> Any:
        self._lines.setdefault(at, node.start_mark.line + 1)
        self._left -= 1
        if self._left < 0:
            raise _TooMuchError
        if any(node is each for each in self._open):
            return self._spoil(at, "is an alias of something that it is part of", "write it out")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, at)
        kind = node.tag.removeprefix(_TAG)
        if kind not in ("seq", "map"):
            return self._spoil(at, f"has the YAML tag {node.tag}", "remove the tag")
        self._open.append(node)
        value = self._list(node, at) if kind == "seq" else self._mapping(node, at)
        self._open.pop()
        return value

    def _list(self, node: yaml.Node, at: Path) -> list[Any]:
        return [self.value(each, (*at, n)) for n, each in enumerate(node.value, start=1)]

    def _mapping(self, node: yaml.Node, at: Path) -> dict[str, Any]:
        read: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                sequence = isinstance(value_node, yaml.SequenceNode)
                merged += value_node.value if sequence else [value_node]
                continue
            line = key_node.start_mark.line + 1
            key = self._key(key_node, at, line)
            if key is None:
                continue
            if key in read:
                first = self._lines[(*at, key)]
                what = f"{_place((*at, key))} stands twice, first in line {first}"
                self._at_line(at, line, what, "remove one of the two")
                continue
            self._lines.setdefault((*at, key), line)
            read[key] = self.value(value_node, (*at, key))
        for each in merged:
            inherited = self._merged(each, at)
            read = {**inherited, **read}
        return read

    def _merged(self, node: yaml.Node, at: Path) -> dict[str, Any]:
        if isinstance(node, yaml.MappingNode):
            inherited = self.value(node, at)
            if isinstance(inherited, dict):
                return inherited
        else:
            line = node.start_mark.line + 1
            self._at_line(
                at, line, f"<< in {_place(at)} merges no mapping", "write *ANCHOR after <<"
            )
        return {}

    def _key(self, node: yaml.Node, at: Path, line: int) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            what = f"a key of {_place(at)} is no name"
            self._lose_a_key(at, line, what, "write a name, or put text with braces in quotes")
            return None
        if node.tag != f"{_TAG}str":
            written = node.value or "(empty)"
            what = f"the key {written} of {_place(at)} is read by YAML as {_kind(node)}"
            self._lose_a_key(at, line, what, "write another name")
            return None
        return str(node.value)

    def _scalar(self, node: yaml.ScalarNode, at: Path) -> Any:
        text, kind = node.value, node.tag.removeprefix(_TAG)
        shown = f"{text}, which YAML reads as {_kind(node)}"
        quoted = f'"{text}"'
        plain = node.style is None
        if plain and (zero := _LEADING_ZERO.fullmatch(text)):
            what = f"is {text}: YAML reads numbers with a leading 0 in its own way"
            return self._spoil(at, what, f"write {zero[1]}{zero[2]}, or {quoted} if text is meant")
        match kind:
            case "str":
                return self._text(text, at)
            case "null":
                return None
            case "bool" if text.lower() in _SAID_OTHERWISE:
                said = _SAID_OTHERWISE[text.lower()]
                return self._spoil(at, f"is {shown}", f"write {said}, or {quoted} if text is meant")
            case "int" | "float" if ":" in text:
                return self._spoil(at, f"is {shown}", f"write {quoted}")
            case "bool" | "int" | "float":
                self._texts[at] = text
                try:
                    return self._scalars.construct_object(node)
                except ValueError:
                    return self._spoil(
                        at, f"is no number that can be read: {text[:40]}", "correct it"
                    )
            case "timestamp":
                return self._spoil(at, f"is {shown}", f"write {quoted}")
            case _:
                return self._spoil(at, f"has the YAML tag {node.tag}", "remove the tag")

    def _text(self, text: str, at: Path) -> Any:
        try:
            text.encode()
        except UnicodeEncodeError:
            what = "holds half of a surrogate pair, which no text can"
            return self._spoil(at, what, "write the character itself")
        return text

    def _spoil(self, at: Path, what: str, remedy: str) -> Spoiled:
        self._report.spoil(at, f"{_place(at)} {what}", remedy)
        return SPOILED

    def _lose_a_key(self, at: Path, line: int, what: str, remedy: str) -> None:
        self._at_line(at, line, what, remedy)
        self._report.holes.add((*at, "*"))

    def _at_line(self, at: Path, line: int, what: str, remedy: str) -> None:
        """Report a mistake about a place in a line that is not the place's own."""
        place = (*at, f"line {line}")
        self._lines[place] = line
        self._report.say(place, what, remedy)


def _place(at: Path) -> str:
    return spoken(at) or "the file"


def _kind(node: yaml.ScalarNode) -> str:
    match node.tag.removeprefix(_TAG):
        case "bool":
            return "true" if node.value.lower() in ("yes", "on", "true") else "false"
        case "int" | "float":
            return "a number"
        case "timestamp":
            return "a date"
        case "null":
            return "nothing"
        case _:
            return "something else"
