# Generated from chart ping_registry_index 1.0.0. Do not edit: change the chart.
"""The errors of chart ping_registry_index."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pingregistrywf.runtime.errors import PACKAGE_ERRORS as BASE_ERRORS
from pingregistrywf.runtime.values import DeclaredError


class UnknownWorkflowError(DeclaredError):
    """The index does not list the workflow as the command needs it."""

    workflow_id: UUID

    def __init__(self, workflow_id: UUID) -> None:
        super().__init__(workflow_id=workflow_id)


class SmallStorageReductionError(DeclaredError):
    """A snapshot would not save enough storage yet."""


class TooManyWorkflowsError(DeclaredError):
    """More workflows are listed than a snapshot may hold."""


PACKAGE_ERRORS: Final = (
    *BASE_ERRORS,
    UnknownWorkflowError,
    SmallStorageReductionError,
    TooManyWorkflowsError,
)
"""The errors that the facade raises."""


def is_package_error(err: BaseException | None) -> bool:
    """True for the errors that the facade raises, false for all else."""
    return isinstance(err, PACKAGE_ERRORS)
