"""Opening a journal by its URL, whose scheme names the backend.

``memory``, ``sqlite`` and ``nats`` are built in, and so are ``grpcs`` and ``grpc``: a service.  Any
other scheme is looked up among the entry points of the group ``pingregistrywf.journals``, so that
an installed distribution adds a backend: the entry point's name is the scheme, its value an
``Opener``.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final, Protocol

from pingregistrywf.runtime.errors import JournalOpenError, WorkflowError
from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.protocol import Journal
from pingregistrywf.runtime.journal.retention import Retention
from pingregistrywf.runtime.journal.urls import without_password

GROUP: Final = "pingregistrywf.journals"
"""The group of entry points that name backends."""
_FORMS: Final = (
    "use memory:, sqlite:PATH (for example sqlite:pings.db), nats://HOST:PORT/STREAM,"
    " grpcs://HOST:PORT, or the scheme of an installed backend"
)


class Opener(Protocol):
    """Opens the journals of one scheme."""

    def __call__(
        self, url: str, *, create: bool, clock: Clock, retention: Retention | None
    ) -> Journal:
        """Open a journal; see ``open_journal``.

        The URL comes whole; what follows its first colon has the form that the backend likes.
        """


def open_journal(
    url: str,
    *,
    create: bool = True,
    clock: Clock = time.time,
    retention: Retention | None = None,
) -> Journal:
    """Open a journal; close it, or use it as a context manager.

    Args:
        url: ``memory:``; ``sqlite:PATH`` for a file, which is made if there is none, and opened for
            reading only if this user may not write it; ``nats://HOST:PORT/STREAM`` for streams on
            NATS servers; ``grpcs://HOST:PORT`` for the journal behind a service; or the URL of an
            installed backend.
        create: False to refuse a journal that does not exist yet.
        clock: seconds since the Unix epoch; marks deletions and trims.
        retention: how long the journal keeps what is no longer needed; None for the default.

    Raises:
        JournalOpenError: the URL makes no sense, or what it names cannot be opened.
    """
    scheme = scheme_of(url)
    opener: Opener
    match scheme:
        case "memory":
            from pingregistrywf.runtime.journal.memory import MemoryJournal

            opener = MemoryJournal
        case "sqlite":
            opener = _open_sqlite
        case "nats":
            opener = _open_nats
        case "grpcs" | "grpc":
            opener = _open_service
        case _:
            opener = partial(_open_installed, scheme=scheme)
    opened = opener(url, create=create, clock=clock, retention=retention)
    from logging import DEBUG  # whoever imports this module need not pay for it

    from pingregistrywf.runtime.log import JOURNAL, logged

    logged(JOURNAL, "opened", DEBUG, url=without_password(url))
    return opened


def scheme_of(url: str) -> str:
    """Return a URL's scheme, which names the backend.

    Raises:
        JournalOpenError: it has none.
    """
    if not isinstance(url, str):
        raise JournalOpenError(repr(url), "a journal URL is text", _FORMS)
    scheme, colon, _ = url.partition(":")
    if not (scheme and colon):
        raise JournalOpenError(without_password(url), "it names no kind of journal", _FORMS)
    return scheme


def _open_sqlite(url: str, **options: Any) -> Journal:
    """Open a journal in a SQLite file, on a system that has the locks of POSIX."""
    try:
        from pingregistrywf.runtime.journal.sqlite import open_sqlite
    except ModuleNotFoundError as error:
        if error.name != "fcntl":
            raise
        cause = "journals in SQLite files need a POSIX system: processes queue with flock"
        remedy = "use nats: or grpc: URLs here, which journals elsewhere answer, or memory:"
        raise JournalOpenError(without_password(url), cause, remedy) from None
    return open_sqlite(url, **options)


def _open_nats(url: str, **options: Any) -> Journal:
    """Open a journal on NATS servers, if the client library is installed."""
    try:
        from pingregistrywf.runtime.journal.nats import open_nats
    except ModuleNotFoundError as error:
        if error.name != "nats":
            raise
        from pingregistrywf.extras import remedy

        cause = "nats-py is not installed"
        raise JournalOpenError(without_password(url), cause, remedy("nats")) from None
    return open_nats(url, **options)


def _open_service(url: str, **options: Any) -> Journal:
    """Open the journal behind a service, if the client library is installed."""
    try:
        from pingregistrywf.runtime.remote import open_remote
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("grpc", "google"):
            raise
        from pingregistrywf.extras import remedy

        cause = "the client of services is not installed"
        raise JournalOpenError(without_password(url), cause, remedy("service")) from None
    return open_remote(url, **options)


def _open_installed(url: str, *, scheme: str, **options: Any) -> Journal:
    """Open a journal of an installed backend; nothing that is wrong with it goes unexplained."""
    from importlib.metadata import entry_points  # seldom needed, and slow to import

    backend = f"installed backends of the scheme {scheme!r}"
    try:
        found = tuple(entry_points(group=GROUP, name=scheme))
        if not found:
            raise JournalOpenError(
                without_password(url), f"there is no kind of journal {scheme!r}", _FORMS
            )
        names = " and ".join(f"{each.value!r} of {each.dist and each.dist.name}" for each in found)
        if len(found) > 1:
            raise JournalOpenError(
                without_password(url), f"two backends have its scheme: {names}", "uninstall one"
            )
        backend = f"the backend {names}"
        journal = found[0].load()(url, **options)
    except WorkflowError:
        raise
    except Exception as error:
        reason = f"{backend} failed: {type(error).__name__}: {error}"
        raise JournalOpenError(
            without_password(url), reason, "repair, upgrade or uninstall it"
        ) from error
    if not isinstance(journal, Journal):
        reason = f"{backend} gave no journal, but {type(journal).__name__}"
        raise JournalOpenError(without_password(url), reason, "repair, upgrade or uninstall it")
    return journal
