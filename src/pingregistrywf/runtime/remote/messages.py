"""The messages of ``pingregistrywf.v1``, which ``workflows.proto`` beside this module declares.

Their classes live in a descriptor pool of whoever uses them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeAlias

from google.protobuf import descriptor_pb2, message_factory, struct_pb2
from google.protobuf.descriptor_pool import DescriptorPool

Protobuf: TypeAlias = Any
"""A message; classes of a private pool have no static types."""

DESCRIPTOR: Final = Path(__file__).with_name("workflows.binpb").read_bytes()
"""The descriptor of the messages, a serialized FileDescriptorSet of one file."""
(FILE,) = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTOR).file
SERVICE: Final = f"{FILE.package}.Workflows"
"""The full name of the service."""


class Messages:
    """The message classes, in a pool.

    Args:
        pool: the pool to which they are added; one of their own unless given.
    """

    def __init__(self, pool: DescriptorPool | None = None) -> None:
        self.pool: Final = pool if pool is not None else DescriptorPool()
        self.pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
        self.pool.AddSerializedFile(FILE.SerializeToString())

    def __getitem__(self, name: str) -> type[Protobuf]:
        """Return the class of a message by its name."""
        full = f"{FILE.package}.{name}"
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(full))
