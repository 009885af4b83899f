# Generated from chart ping_registry 1.0.0. Do not edit: change the chart.
"""The errors of chart ping_registry."""

from __future__ import annotations

from typing import Final, TypeAlias, get_args

from typing_extensions import TypeIs

from pingregistrywf.runtime.errors import PackageError as BasePackageError

PackageError: TypeAlias = BasePackageError
"""An error that the facade raises."""
PACKAGE_ERRORS: Final[tuple[type[BaseException], ...]] = get_args(PackageError)
"""The errors that the facade raises."""


def is_package_error(err: BaseException | None) -> TypeIs[PackageError]:
    """True for the errors that the facade raises, false for all else."""
    return isinstance(err, PACKAGE_ERRORS)
