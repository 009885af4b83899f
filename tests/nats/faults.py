"""What happens to a node of a cluster while clients are at work."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from .cluster import Cluster, Node

KINDS: Final = ("kill", "stop", "cut")


class Fault(NamedTuple):
    """A fault of one node.

    Attributes:
        kind: ``kill`` it, ``stop`` it, so that it stands still, or ``cut`` it off from the others.
        leader: whether it is the node that leads the stream, or another one.
    """

    kind: str
    leader: bool

    @contextmanager
    def on(self, cluster: Cluster, stream: str) -> Iterator[Node]:
        """Let it last while the body runs; then the cluster is whole again."""
        leader = cluster.leader(stream)
        node = leader if self.leader else next(one for one in cluster.nodes if one is not leader)
        match self.kind:
            case "kill":
                node.kill()
            case "stop":
                node.stop()
            case "cut":
                cluster.cut(node)
        try:
            yield node
        finally:
            cluster.restore()

    @classmethod
    def drawn(cls, chance: random.Random) -> Fault:
        """Draw one; mostly the leader's, since the others' change little."""
        return cls(chance.choice(KINDS), chance.random() < 0.75)
