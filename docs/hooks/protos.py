"""The ``.proto`` files of the services, which the site has for those who write clients."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

from mkdocs.structure.files import File

_PACKAGES: Final = {
    "ping_registry_service": "pingregistrywf._generated.ping_registry_service",
    "workflows": "pingregistrywf.runtime.remote",
}


def published(config: Any) -> Iterator[File]:
    """Yield the files, as they are in the installed package."""
    for name, package in _PACKAGES.items():
        text = files(package).joinpath(f"{name}.proto").read_text(encoding="utf-8")
        yield File.generated(config, f"protos/{name}.proto", content=text)


def links() -> str:
    """Return a sentence with a link to each of them, for a page of the reference."""
    linked = (f"[{name}.proto](../protos/{name}.proto)" for name in _PACKAGES)
    return f"The files are {' and '.join(linked)}."
