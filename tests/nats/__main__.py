"""Run a command on a cluster of three nodes of NATS, which lasts as long as the command.

``python -m tests.nats pingregistrywf demo`` runs the demonstration: the environment's
``PINGREGISTRYWF_JOURNAL`` names a journal on the cluster.  The exit code is the command's, or 2 if
there is no cluster, with one line that says why.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .cluster import Cluster, NeverReadyError, ServerMissingError


def main(command: list[str]) -> int:
    try:
        with (
            TemporaryDirectory(prefix="pingregistrywf-nats-") as place,
            Cluster(Path(place)) as cluster,
        ):
            environment = {**os.environ, "PINGREGISTRYWF_JOURNAL": cluster.url("pings")}
            return subprocess.run(command, env=environment, check=False).returncode
    except (NeverReadyError, ServerMissingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
