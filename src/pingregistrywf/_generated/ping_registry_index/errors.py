# Generated from chart ping_registry_index 1.0.0. Do not edit: change the chart.
"""The errors of chart ping_registry_index."""

from __future__ import annotations

from typing import Final, TypeAlias, get_args
from uuid import UUID

from typing_extensions import TypeIs

from pingregistrywf.runtime.errors import PackageError as BasePackageError
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


PackageError: TypeAlias = (
    BasePackageError
    | UnknownWorkflowError
    | SmallStorageReductionError
    | TooManyWorkflowsError
)
"""An error that the facade raises."""
PACKAGE_ERRORS: Final[tuple[type[BaseException], ...]] = get_args(PackageError)
"""The errors that the facade raises."""


def is_package_error(err: BaseException | None) -> TypeIs[PackageError]:
    """True for the errors that the facade raises, false for all else."""
    return isinstance(err, PACKAGE_ERRORS)
