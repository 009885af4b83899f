"""Markdown of the command line, from the program itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marked import code, grid, parts, plain
from typer.main import get_command

from pingregistrywf.cli import app
from pingregistrywf.cli.program import described as described_options
from pingregistrywf.cli.program import examples


def described() -> str:
    """Every command: its usage, what it does, its arguments and options."""
    group = get_command(app)
    context = group.context_class(group, info_name=group.name)
    sections: dict[str, list[str]] = {}
    for name, command in group.commands.items():
        panel = str(command.rich_help_panel)
        sections.setdefault(panel, []).extend(_commands(name, command, context))
    whole = [f"## {panel}\n\n{parts(*commands)}" for panel, commands in sections.items()]
    return parts(_options(group, context), *whole)


def _commands(name: str, command: Any, parent: Any) -> Iterator[str]:
    context = command.context_class(command, info_name=name, parent=parent)
    inner = getattr(command, "commands", {})
    if not inner or command.invoke_without_command:
        title = context.command_path.partition(" ")[2]
        usage = command.get_usage(context).removeprefix("Usage: ").translate({123: None, 125: None})
        yield parts(
            f"### {title}",
            plain(command.help.replace("\f", "")),
            f"```text\n{' '.join(usage.split())}\n```",
            _options(command, context),
            _examples(context),
        )
    for each in inner:
        yield from _commands(each, inner[each], context)


def _options(command: Any, context: Any) -> str:
    return grid(
        ("argument or option", "meaning"),
        (
            (code(names), plain(meaning))
            for names, meaning, _ in described_options(command, context)
        ),
    )


def _examples(context: Any) -> str:
    lines = (f"# {what}\n{line}" for what, line in examples(context))
    return "```sh\n{}\n```".format("\n".join(lines))
