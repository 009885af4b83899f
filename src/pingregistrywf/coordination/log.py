"""Formatters of log records: one line for each action, with its fields (``runtime.log``)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any


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
        return " ".join((*_head(record, None).values(), *_words(record)))


class PersonFormatter(logging.Formatter):
    """``pingregistrywf: ACTION name=value …``: for who waits for a command at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(("pingregistrywf:", record.getMessage(), *_words(record)))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time in UTC, level, logger, action, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_head(record, UTC) | getattr(record, "fields", {}))


def _words(record: logging.LogRecord) -> Iterator[str]:
    fields = getattr(record, "fields", {})
    return (f"{name}={_word(value)}" for name, value in fields.items())


def _word(value: Any) -> str:
    text = str(value)
    return text if text.isascii() and text.isprintable() and " " not in text else json.dumps(value)
