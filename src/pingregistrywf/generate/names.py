"""How a chart's names are spelt in generated artefacts."""

from __future__ import annotations

import re


def snake(pascal: str) -> str:
    """``AppendPing`` → ``append_ping``; a run of capitals is a word: ``TLSPing`` → ``tls_ping``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", pascal).lower()


def upper(pascal: str) -> str:
    """``ServerPinged`` → ``SERVER_PINGED``."""
    return snake(pascal).upper()
