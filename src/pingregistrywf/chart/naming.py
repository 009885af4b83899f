"""How a chart's names are spelt in generated Python."""

from __future__ import annotations

import re


def snake(pascal: str) -> str:
    """``OpenDoor`` → ``open_door``; runs of capitals stay one word: ``HTTPGet`` → ``http_get``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", pascal).lower()


def pascal(snake: str) -> str:
    """``door_id`` → ``DoorId``."""
    return "".join(word.capitalize() for word in snake.split("_"))


def upper(pascal: str) -> str:
    """``DoorOpened`` → ``DOOR_OPENED``."""
    return snake(pascal).upper()
