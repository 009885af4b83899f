"""The service that a command is about: that of the ping registry, or one of its user's model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pingregistrywf.cli.common import CannotRunError
from pingregistrywf.cli.declarations import imported_model

if TYPE_CHECKING:
    from pingregistrywf.runtime.services import Service

ServiceModelOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--model",
        metavar="FILE",
        help="Charts, operations and the service of your own; give one for each file.",
    ),
]


def declared_service(files: Sequence[Path] | None) -> Service:
    """Return the service that files declare; that of the ping registry if there are none.

    Raises:
        CannotRunError: the files cannot be read, or do not declare one service.
    """
    if not files:
        from pingregistrywf._generated.ping_registry_service import SERVICE

        return SERVICE
    model, packages = imported_model(files)
    if len(model.services) != 1:
        found = ", ".join(model.services) or "none"
        raise CannotRunError(
            f"--model: the files must declare one service, and declare {found}: name the charts,"
            " the operations and one file that begins with `service:`"
        )
    (name,) = model.services
    service: Service = packages[name].SERVICE
    return service
