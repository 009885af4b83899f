"""What stands in a state of a chart knows which commands the chart allows there."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import ClassVar

from pingregistrywf.runtime.values import Command


class Charted:
    """The state of a history, or an entry of a keyed one."""

    __slots__ = ()

    allowed_in: ClassVar[Mapping[IntEnum, tuple[type[Command], ...]]]
    """The commands that the chart allows, by state code."""

    state_code: IntEnum

    @property
    def allowed(self) -> tuple[type[Command], ...]:
        """The commands that the chart does not refuse now, in the order of the chart.

        Some of them may be allowed with certain arguments only: ``Behavior.explain`` judges a
        command with its arguments.
        """
        return self.allowed_in[self.state_code]
