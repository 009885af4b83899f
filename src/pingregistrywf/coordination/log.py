"""Structured log lines: one for each action, with named fields.

Loggers are ``pingregistrywf.server``, ``pingregistrywf.gatherer`` and ``pingregistrywf.collector``.
The message names the action; ``record.fields`` holds the rest, which a formatter writes
(``TextFormatter``, ``JsonFormatter``).
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, tzinfo
from typing import Any


def logged(logger: logging.Logger, action: str, level: int = logging.INFO, **fields: Any) -> None:
    """Log an action and its fields."""
    plain = (str, int, float, type(None))
    shown = {name: each if isinstance(each, plain) else str(each) for name, each in fields.items()}
    logger.log(level, action, extra={"fields": shown})


def _head(record: logging.LogRecord, zone: tzinfo | None) -> dict[str, str]:
    moment = datetime.fromtimestamp(record.created, UTC).astimezone(zone)
    return {
        "time": moment.isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "action": record.getMessage(),
    }


class TextFormatter(logging.Formatter):
    """``TIME LEVEL LOGGER ACTION name=value …``: local time, values as JSON if not one word."""

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", {})
        rendered = (f"{name}={_word(value)}" for name, value in fields.items())
        return " ".join((*_head(record, None).values(), *rendered))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time in UTC, level, logger, action, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_head(record, UTC) | getattr(record, "fields", {}))


def _word(value: Any) -> str:
    text = str(value)
    return text if text.isascii() and text.isprintable() and " " not in text else json.dumps(value)
