"""The streams of a journal: their names, subjects and settings, made once and checked each time.

The histories are spread over the data streams by a stable hash of their ids.  The first data stream
bears the journal's name; it records in its metadata the journal's id and how many data streams
there are.  One more stream, the *ledger*, holds for each data stream which marks of deletion were
removed; so removing one leaves no message in the data stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID, uuid4

from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.journal.nats.address import (
    DEFAULT_REPLICAS,
    DEFAULT_STREAMS,
    Address,
)
from pingregistrywf.runtime.journal.nats.connection import Connection
from pingregistrywf.runtime.journal.nats.failures import (
    NO_JETSTREAM,
    NO_STREAM,
    STREAM_DIFFERS,
    ApiError,
    DeniedError,
    NoAnswerError,
)

OLDEST_SERVER: Final = (2, 15, 0)

_JOURNAL: Final = "pingregistrywf-journal"
_STREAMS: Final = "pingregistrywf-streams"
_WINDOW: Final = 120_000_000_000
"""The duplicate window, in nanoseconds."""
_SETTINGS: Final[Mapping[str, tuple[Any, Any]]] = {
    "storage": ("file", "memory"),
    "retention": ("limits", "limits"),
    "discard": ("new", "old"),
    "max_age": (0, 0),
    "max_bytes": (-1, -1),
    "max_msgs": (-1, -1),
    "max_msg_size": (-1, -1),
    "allow_direct": (False, False),
    "mirror_direct": (False, False),
    "allow_rollup_hdrs": (False, False),
    "deny_purge": (False, False),
    "sealed": (False, False),
    "no_ack": (False, False),
}
"""What each setting must be, and what it is where the server leaves it out."""
_DATA: Final[Mapping[str, tuple[Any, Any]]] = {
    "max_msgs_per_subject": (-1, -1),
    "allow_atomic": (True, False),
}
_LEDGER: Final[Mapping[str, tuple[Any, Any]]] = {"max_msgs_per_subject": (1, -1)}
_FOREIGN: Final = ("mirror", "sources", "subject_transform", "republish")


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of one journal.

    Attributes:
        id: the journal's id.
        name: the name of the first data stream.
        count: how many data streams there are.
    """

    id: UUID
    name: str
    count: int

    @property
    def names(self) -> tuple[str, ...]:
        """The data streams."""
        return tuple(_data_stream(self.name, number) for number in range(self.count))

    @property
    def ledger(self) -> str:
        """The ledger."""
        return _ledger(self.name)

    def number(self, history: UUID) -> int:
        """Return the number of the data stream that holds a history."""
        digest = blake2b(history.bytes, digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count

    def stream(self, history: UUID) -> str:
        """Return the name of the data stream that holds a history."""
        return _data_stream(self.name, self.number(history))

    def subject(self, history: UUID) -> str:
        """Return the subject of a history."""
        return f"{self.name}.{self.number(history)}.{history.hex}"

    def every_subject(self, number: int) -> str:
        """Return what matches the subjects of a data stream."""
        return f"{self.name}.{number}.*"

    def ledger_subject(self, number: int) -> str:
        """Return the ledger's subject for a data stream."""
        return f"{self.ledger}.{number}"

    def position(self, number: int, sequence: int) -> int:
        """Return the place of a message in the order of all data streams."""
        return (sequence - 1) * self.count + number + 1


def _data_stream(name: str, number: int) -> str:
    return f"{name}-{number}" if number else name


def _ledger(name: str) -> str:
    return f"{name}-ledger"


async def open_streams(connection: Connection, *, create: bool) -> Streams:
    """Return the streams of the journal that the connection's address names, made if need be.

    Raises:
        JournalOpenError: the server or the streams cannot hold a journal, or there is none, and
            ``create`` is False.
    """
    address = connection.address
    _check_server(connection)
    try:
        if not connection.info.get("jetstream", False):
            await _find_jetstream(connection)
        await connection.ask("INFO")
        return await _open(connection, create=create)
    except ApiError as error:
        if error.code in NO_JETSTREAM:
            raise _no_jetstream(address) from None
        raise address.refusal(str(error), "change the servers, or the URL") from None
    except NoAnswerError as error:
        if not connection.info.get("jetstream", False):
            raise _no_jetstream(address) from None
        remedy = "wait until the servers of the cluster run: a new stream needs one a replica"
        raise address.refusal(str(error), remedy) from None
    except DeniedError as error:
        cause = f"this user may not publish to {error.subject}"
        raise address.refusal(cause, "give it that permission, or name another user") from None


async def _find_jetstream(connection: Connection) -> None:
    """Ask once: if no server of the cluster has JetStream, nobody answers, at once."""
    try:
        await connection.answered("$JS.API.INFO")
    except ApiError as error:
        if not error.passes:
            raise


def _no_jetstream(address: Address) -> JournalOpenError:
    return address.refusal(
        "the server has no JetStream, which stores messages",
        "enable it in the server's configuration, and for the user's account",
    )


def _check_server(connection: Connection) -> None:
    address = connection.address
    if address.wants_tls and not connection.info.get("tls_required", False):
        raise address.refusal("the server does not speak TLS", "configure it to, or leave TLS out")
    version = str(connection.info.get("version", ""))
    number, trial, _ = version.partition("-")
    released = tuple(int(part) for part in number.split(".") if part.isdigit())
    oldest = ".".join(map(str, OLDEST_SERVER))
    if (released, not trial) < (OLDEST_SERVER, True) and address.allow_server != number:
        raise address.refusal(
            f"the server is nats-server {version or 'of an unknown version'}, and older ones than"
            f" {oldest} are known to let several writers win a race, or to lose a part of a batch",
            f"upgrade it, or say allow_server={number} at your own risk",
        )


async def _open(connection: Connection, *, create: bool) -> Streams:
    address = connection.address
    found = await _config(connection, address.stream)
    if found is None:
        if not create:
            raise address.refusal(
                f"there is no stream {address.stream!r}", "name a journal that exists"
            )
        wanted = Streams(uuid4(), address.stream, address.streams or DEFAULT_STREAMS)
        await _make(connection, wanted, address.stream)
        found = await _config(connection, address.stream)  # another process may have been faster
    streams = _recorded(address, found or {})
    _check(address, address.stream, found or {}, streams)
    for name in (*streams.names[1:], streams.ledger):
        config = await _config(connection, name)
        if config is None:
            await _make(connection, streams, name)
            config = await _config(connection, name)
        _check(address, name, config or {}, streams)
    return streams


async def _config(connection: Connection, name: str) -> dict[str, Any] | None:
    try:
        answer = await connection.ask(f"STREAM.INFO.{name}")
    except ApiError as error:
        if error.code == NO_STREAM:
            return None
        raise
    config: dict[str, Any] = answer["config"]
    return config


async def _make(connection: Connection, streams: Streams, name: str) -> None:
    config = {
        "name": name,
        "subjects": [_subjects(streams, name)],
        "num_replicas": connection.address.replicas or DEFAULT_REPLICAS,
        "duplicate_window": _WINDOW,
        "metadata": {_JOURNAL: str(streams.id), _STREAMS: str(streams.count)},
        **{setting: value for setting, (value, _) in _settings(streams, name).items()},
    }
    try:
        await connection.ask(f"STREAM.CREATE.{name}", config)
    except ApiError as error:
        if error.code != STREAM_DIFFERS:  # else another process made it
            raise


def _settings(streams: Streams, name: str) -> dict[str, tuple[Any, Any]]:
    return {**_SETTINGS, **(_LEDGER if name == streams.ledger else _DATA)}


def _subjects(streams: Streams, name: str) -> str:
    if name == streams.ledger:
        return f"{name}.*"
    return streams.every_subject(streams.names.index(name))


def _recorded(address: Address, config: Mapping[str, Any]) -> Streams:
    metadata = config.get("metadata") or {}
    try:
        own, count = UUID(metadata[_JOURNAL]), int(metadata[_STREAMS])
    except (KeyError, ValueError):
        raise address.refusal(
            f"the stream {address.stream!r} is no journal of this package", "use another name"
        ) from None
    if address.streams not in (None, count):
        raise address.refusal(
            f"the journal has streams={count}, and the URL says streams={address.streams}",
            "leave that out: it is fixed when the journal is made",
        )
    return Streams(own, address.stream, count)


def _check(address: Address, name: str, config: Mapping[str, Any], streams: Streams) -> None:
    wrong = list(_differences(address, name, config, streams))
    if wrong:
        raise address.refusal(
            f"the stream {name!r} has settings that a journal cannot have: {', '.join(wrong)}",
            "change the stream's settings, or use another name",
        )


def _differences(
    address: Address, name: str, config: Mapping[str, Any], streams: Streams
) -> Iterator[str]:
    for setting, (wanted, default) in _settings(streams, name).items():
        value = config.get(setting, default)
        if value != wanted:
            yield f"{setting} is {_shown(value)} and not {_shown(wanted)}"
    for setting in _FOREIGN:
        if config.get(setting):
            yield f"it has {setting}"
    if config.get("persist_mode") not in (None, "", "default"):
        yield f"persist_mode is {config['persist_mode']}"
    if list(config.get("subjects") or ()) != [_subjects(streams, name)]:
        yield f"subjects are {config.get('subjects')} and not {_subjects(streams, name)}"
    if (config.get("metadata") or {}).get(_JOURNAL) != str(streams.id):
        yield "it belongs to another journal"
    replicas = config.get("num_replicas", 1)
    if address.replicas is not None and replicas < address.replicas:
        yield f"replicas are {replicas} and not {address.replicas}"


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
