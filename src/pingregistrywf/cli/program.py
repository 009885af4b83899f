"""How the program and its commands show their help, and how they answer what they cannot parse.

Help has no column of types: an option that takes a value names it, as in ``--journal URL``.  Each
command ends with examples.  A usage error is one line on standard error, as any other error; with
``--json`` it is also a line of JSON on standard output.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandFunctionType

from pingregistrywf.cli.common import CANNOT_RUN, print_error
from pingregistrywf.cli.examples import EXAMPLES
from pingregistrywf.cli.system_errors import explained

_UsageError: Final[type[Any]] = typer.BadParameter.__mro__[1]
_ClickError: Final[type[Any]] = _UsageError.__mro__[1]
WIDEST: Final = 100
"""The most columns that help takes."""
_RANGE: Final = re.compile(r"(-?[\d.]+)<=x<=(-?[\d.]+)")
_LEAST: Final = re.compile(r"x>=(-?[\d.]+)")
_VARIABLES: Final = re.compile(r"\(env var: '(.+)'\)")
_WHOLE: Final = re.compile(r"(?<![\w.])(-?\d+)\.0(?![\w.])")
"""A number as Python writes a float that is whole; no part of an address."""
_OF_PYDANTIC: Final = {
    "int_parsing": "is not a whole number",
    "int_parsing_size": "is not a number that fits",
    "int_from_float": "is not a whole number",
    "float_parsing": "is not a number",
    "finite_number": "is not a finite number",
    "greater_than_equal": "is not {ge} or more",
    "less_than_equal": "is not {le} or less",
}
"""What a value is that pydantic refuses, by the type of its error."""
_OF_CLICK: Final = (
    (re.compile(r"is not a valid integer( range)?"), "is not a whole number"),
    (re.compile(r"is not a valid float( range)?"), "is not a number"),
    (_RANGE, r"\1 to \2"),
    (_LEAST, r"\1 or more"),
)
"""The words of click, and plain ones in their place."""
_BRACES: Final = {ord("{"): None, ord("}"): None}
"""What typer puts around arguments that are required."""
_NAMES: Final = 26
"""The most columns for the names of options; the meaning of a longer one stands below it."""


class Command(TyperCommand):
    """A command of the program.

    Some options have two names for one thing, and a variable for each name.  Only one of them may
    be given: an option, or if there is none, a variable.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words, and refuse two names where one is meant."""
        words = tuple(args)
        rest: list[str] = super().parse_args(ctx, args)
        given = set(_options(self, words))
        for option in self.params:
            variables = option.envvar
            if ctx.resilient_parsing or not isinstance(variables, (list, tuple)):
                continue
            names = [name for name in option.opts if name in given]
            if len(names) > 1:
                either = " and ".join(names)
                raise _UsageError(f"{either} exclude each other: give one of them", ctx)
            filled = [] if names else [each for each in variables if os.environ.get(each)]
            if len(filled) > 1:
                either, instead = " and ".join(filled), " or ".join(option.opts)
                message = (
                    f"the variables {either} are both set: unset one of them, or give {instead}"
                )
                raise _UsageError(message, ctx)
        return rest

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (it prints by itself)
        _print_help(self, ctx)


class Group(TyperGroup):
    """The program, or a command that has commands."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (it prints by itself)
        _print_help(self, ctx)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run the program, and exit."""
        words = list(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        try:
            code = super().main(words, *rest, **extra)
        except _ClickError as error:
            _answer(error, words, _path(self, words))
            code = CANNOT_RUN
        except OSError as error:  # of the output, which a full disk cannot take
            print_error(explained(error), CANNOT_RUN, as_json=False)
            code = CANNOT_RUN
        sys.exit(code if isinstance(code, int) else 0)


class App(typer.Typer):
    """A group of commands, to which commands can be added."""

    def __init__(self, **settings: Any) -> None:
        context = {"help_option_names": ["-h", "--help"]}
        super().__init__(
            cls=Group, pretty_exceptions_enable=False, context_settings=context, **settings
        )

    def command(
        self, name: str | None = None, **settings: Any
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Add a command."""
        return super().command(name, cls=Command, **settings)


def described(command: Any, context: Any) -> Iterator[tuple[str, str, bool]]:
    """Yield the names and the meaning of each argument and option, and whether it is an option.

    Options that need no word, such as ``--help``, come last.
    """
    for each in command.get_params(context):
        record = each.get_help_record(context)
        if record is None:
            continue
        option = each.param_type_name == "option"
        written = sorted((*each.opts, *each.secondary_opts), key=len)  # typer's order is any
        names = written if option else [each.metavar or each.name]
        value = f" {each.metavar}" if option and each.metavar else ""
        plain = record[1].replace("\\[", "[")  # typer before 0.22 escapes what it prints by rich
        meaning = _RANGE.sub(r"\1 to \2", " ".join(plain.split()))
        meaning = _WHOLE.sub(r"\1", _LEAST.sub(r"\1 or more", meaning))
        yield f"{', '.join(names)}{value}", meaning, option


def examples(context: Any) -> tuple[tuple[str, str], ...]:
    """Return the examples of a command: what each does, and its line."""
    return EXAMPLES.get(context.command_path.partition(" ")[2], ())


def summary(command: Any) -> str:
    """Return the first sentence of a command's help."""
    first, dot, _ = " ".join(command.help.split()).partition(". ")
    return first + dot.strip()


def _options(command: Any, words: Sequence[str]) -> Iterator[str]:
    """Yield the names of the options among words, and not the words that are their values."""
    known = {name: each for each in command.params for name in each.opts}
    remaining = iter(words)
    for word in remaining:
        if word == "--":
            return
        name, equals, _ = word.partition("=")
        if name.startswith("-") and name in known:
            yield name
            if not equals and not known[name].is_flag:
                next(remaining, None)


def _path(program: Any, words: Sequence[str]) -> str:
    """Return the names of the command that words call, which errors of the parser do not tell."""
    command, names = program, ["pingregistrywf"]
    for word in words:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            break
        names.append(word)
    return " ".join(names)


def _answer(error: Any, words: Sequence[str], called: str) -> None:
    message = " ".join(_plain(error).split()).rstrip(".").replace("Value error, ", "")
    if not message:  # the help was printed, since there were no words
        return
    context = getattr(error, "ctx", None)
    command = context.command_path if context else called
    if "--json" in words and "--json-report" not in words and command.endswith("conform"):
        message += "; --json takes no file: name one with --json-report"
    message = _VARIABLES.sub(_environment, message[:1].lower() + message[1:])
    apart = " " if message.endswith("?") else "; "
    print_error(f"{message}{apart}see `{command} --help`", CANNOT_RUN, as_json="--json" in words)


def _plain(error: Any) -> str:
    """Return the message of a usage error; one about a number says plainly what is wrong.

    typer leaves numbers to pydantic, and its older versions to click.
    """
    message: str = error.format_message()
    for pattern, plain in _OF_CLICK:
        message = pattern.sub(plain, message)
    problems = getattr(error.__cause__, "errors", None)
    for problem in problems(include_url=False) if problems else ():
        known = _OF_PYDANTIC.get(problem["type"])
        if known is not None:
            said = f"{problem['input']!r} {known.format(**problem.get('ctx', {}))}"
            message = message.replace(problem["msg"], said)
    return _WHOLE.sub(r"\1", message)


def _environment(found: re.Match[str]) -> str:
    names = re.findall(r"\w+", found[1])
    return f"(or set {' or '.join(names)})"


def _print_help(command: Any, context: Any) -> None:
    from rich.console import Console
    from rich.text import Text

    from pingregistrywf.coordination.palette import CYAN

    console = Console(highlight=False, soft_wrap=True)
    width = min(console.width, WIDEST)
    usage = " ".join(command.get_usage(context).translate(_BRACES).split())
    console.print(Text(_filled(usage, width, "", " " * 7)))
    for paragraph in (command.help or "").split("\f")[0].split("\n\n"):
        console.print(Text("\n" + _filled(" ".join(paragraph.split()), width, "  ")))
    records = list(described(command, context))
    sections: dict[str, list[tuple[str, str]]] = {
        "Arguments": [(names, text) for names, text, option in records if not option],
        "Options": [(names, text) for names, text, option in records if option],
    }
    for name, each in getattr(command, "commands", {}).items():
        if not each.hidden:
            panel = str(getattr(each, "rich_help_panel", None) or "Commands")
            sections.setdefault(panel, []).append((name, summary(each)))
    for title, rows in sections.items():
        if not rows:
            continue
        console.print(Text(f"\n{title}", "bold"))
        column = min(max(len(names) for names, _ in rows), min(_NAMES, width // 3)) + 4
        for names, text in rows:
            console.print(_row(names, text, width, column, CYAN))
    if shown := examples(context):
        console.print(Text("\nExamples", "bold"))
        for what, line in shown:
            console.print(Text(_filled(what, width, "  # "), "dim"))
            console.print(Text(_continued(line, width), CYAN))


def _row(names: str, text: str, width: int, column: int, style: str) -> Any:
    from rich.text import Text

    filled = _filled(text, width, " " * column)
    if len(names) + 4 > column:
        return Text(f"  {names}", style).append(f"\n{filled}", "default")
    return Text(f"  {names:<{column - 2}}", style).append(filled[column:], "default")


def _continued(line: str, width: int) -> str:
    """Return a line for a shell, continued on the next ones where the width asks for that.

    An option stays with its value, so that each line can be read for itself.
    """
    if len(line) + 2 <= width:
        return f"  {line}"
    lines = [" "]
    for part in re.findall(r"\S+(?: (?![-|])\S+)*", line):
        if lines[-1].strip() and len(f"{lines[-1]} {part} \\") > width:
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += f" {part}"
    return "\n".join(lines)


def _filled(text: str, width: int, first: str, rest: str | None = None) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
