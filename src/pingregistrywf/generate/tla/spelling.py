"""How names, values and prose of a model are spelt in TLA+."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from pingregistrywf.chart.ir import Named
from pingregistrywf.chart.parts import Constant

WIDTH = 88


def pascal(snake: str) -> str:
    """``ping_registry`` → ``PingRegistry``: the name of a module or of a definition."""
    return "".join(word[:1].upper() + word[1:] for word in snake.split("_"))


def literal(constant: Constant) -> str:
    """A constant of the model: a number, a truth value or a text."""
    value = constant.constant
    if isinstance(value, bool):
        return str(value).upper()
    return str(value) if isinstance(value, int) else '"' + value.replace('"', '\\"') + '"'


def values(names: Iterable[str]) -> str:
    """A set of texts."""
    return "{" + ", ".join(f'"{name}"' for name in names) + "}"


def record(fields: Iterable[tuple[str, str]], indent: int = 0) -> str:
    """A record; on one line if it fits behind so many characters, else on one for each field."""
    parts = [f"{name} |-> {value}" for name, value in fields]
    text = f"[{', '.join(parts)}]"
    if indent + len(text) <= WIDTH:
        return text
    return "[" + (",\n" + " " * (indent + 1)).join(parts) + "]"


def described(part: Named) -> str:
    """A part's name, and its prose if it has some."""
    return f"{part.name}: {part.doc}" if part.doc else part.name


def remark(text: str, indent: int = 0) -> str:
    """Prose as comment lines, each after as many spaces; the first line stands where it is put."""
    lines = textwrap.wrap(text, WIDTH - indent - 3, break_long_words=False)
    return ("\n" + " " * indent).join(f"\\* {line}" for line in lines)


def box(*paragraphs: str) -> str:
    """Prose as the box of comments that opens a module."""
    edge = "(" + "*" * (WIDTH - 2) + ")"
    lines = []
    for number, paragraph in enumerate(filter(None, paragraphs)):
        if number:
            lines.append("")
        lines += textwrap.wrap(paragraph, WIDTH - 6, break_long_words=False)
    inside = (f"(* {line:<{WIDTH - 6}} *)" for line in lines)
    return "\n".join((edge, *inside, edge))


def heading(module: str) -> str:
    """The line that begins a module."""
    title = f" MODULE {module} "
    left = (WIDTH - len(title)) // 2
    return "-" * left + title + "-" * (WIDTH - left - len(title))
