"""Pieces of Python source: docstrings, literals, imports, calls, wrapped to one width."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Final

WIDTH: Final = 100


def module(doc: str, groups: Iterable[Iterable[str]], body: list[str]) -> str:
    """A module: its docstring, the imports that its body needs, and its body.

    Args:
        doc: the docstring's prose.
        groups: import lines in groups; what the body does not use is left out.
        body: the lines after the imports.
    """
    text = "\n".join(body)
    found = [block for group in groups if (block := imports(group, text))]
    parts = ["\n".join(docstring(doc)), "from __future__ import annotations", *found]
    gap = "\n\n\n" if body[0].startswith(("class", "@", "def")) else "\n\n"
    return "\n\n".join(parts) + gap + text.rstrip("\n") + "\n"


def docstring(text: str, indent: str = "") -> list[str]:
    """A docstring of prose: its first sentence as summary, the rest below."""
    text = _docstring_text(text)
    if not text:
        return []
    if len(indent) + len(text) + 6 <= WIDTH and not text.endswith('"'):
        return [f'{indent}"""{text}"""']
    wrapped = textwrap.wrap(text, WIDTH - len(indent) - 3)
    return [f'{indent}"""{wrapped[0]}', *(indent + line for line in wrapped[1:]), f'{indent}"""']


def _docstring_text(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")


def text_literal(text: str) -> str:
    """A text as a Python literal in double quotes, in printable characters."""
    # A JSON text is a Python literal, but for the halves of surrogate pairs, which it has none of.
    return json.dumps(text, ensure_ascii=False)


def imports(lines: Iterable[str], body: str) -> str:
    """The import lines that the body needs, each reduced to the names that it uses."""
    kept = []
    for line in lines:
        module, _, names = line.partition(" import ")
        used = [name for name in names.split(", ") if _uses(body, name.rpartition(" ")[2])]
        if not used:
            continue
        single = f"{module} import {', '.join(used)}"
        kept.append(
            single
            if len(single) <= WIDTH
            else "\n".join([f"{module} import (", *(f"    {name}," for name in used), ")"])
        )
    return "\n".join(kept)


def _uses(body: str, name: str) -> bool:
    words = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in body)
    return name in words.split()


def class_doc(doc: str, fields: Mapping[str, str]) -> list[str]:
    """A class's docstring: prose, and its attributes."""
    lines = docstring(doc, "    ")
    if lines and lines[-1].strip() == '"""':
        lines.pop()
    elif lines:
        lines[-1] = lines[-1].removesuffix('"""')
    else:
        lines = ['    """What is carried.']
    lines += ["", "    Attributes:"]
    for name, prose in fields.items():
        lines += item(f"{name}: {prose}", 8, 12)
    return [*lines, '    """']


def assigned(start: str, text: str, end: str = "") -> list[str]:
    """``start`` and a text literal, broken into lines if it is long."""
    if len(start) + len(text) + len(end) + 2 <= WIDTH:
        return [f"{start}{text_literal(text)}{end}"]
    indent = " " * (len(start) - len(start.lstrip()) + 4)
    pieces = textwrap.wrap(text, WIDTH - len(indent) - 4, drop_whitespace=False)
    return [
        f"{start}(",
        *(f"{indent}{text_literal(each)}" for each in pieces),
        f"{indent[4:]}){end}",
    ]


def call(start: str, function: str, arguments: list[str], end: str = "") -> list[str]:
    """A call, an argument a line if it is long."""
    single = f"{start}{function}({', '.join(arguments)}){end}"
    if len(single) <= WIDTH:
        return [single]
    indent = " " * (len(start) - len(start.lstrip()))
    inner = [line for argument in arguments for line in _broken(argument, f"{indent}    ")]
    return [f"{start}{function}(", *inner, f"{indent}){end}"]


def _broken(argument: str, indent: str) -> list[str]:
    """An argument of a call on lines of its own; a literal that is too long, an item a line."""
    if len(indent) + len(argument) < WIDTH or argument[0] not in "{(":
        return [f"{indent}{argument},"]
    items = split(argument[1:-1])
    return [
        f"{indent}{argument[0]}",
        *(f"{indent}    {each}," for each in items),
        f"{indent}{argument[-1]},",
    ]


def item(text: str, indent: int, subsequent: int) -> list[str]:
    """An item of a docstring's list."""
    return textwrap.wrap(
        _docstring_text(text),
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * subsequent,
    )


def pairs(texts: Mapping[str, str]) -> str:
    """A dictionary of plain texts."""
    return "{" + ", ".join(f'"{key}": "{value}"' for key, value in texts.items()) + "}"


def split(items: str) -> list[str]:
    """Split a literal's items at its top-level commas; those in texts are none."""
    parts, depth, start = [], 0, 0
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|[(\[{]|[)\]}]|,', items):
        mark = found[0]
        depth += (mark in "([{") - (mark in ")]}")
        if mark == "," and depth == 0:
            parts.append(items[start : found.start()].strip())
            start = found.end()
    return [part for part in (*parts, items[start:].strip()) if part]
