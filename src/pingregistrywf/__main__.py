"""The command ``pingregistrywf``, which is also ``python -m pingregistrywf``."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line.

    While its modules are imported there is nothing to clean up, so Ctrl-C ends the process at once.
    An exception would print a traceback, and some extension modules lose it.
    """
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from pingregistrywf.cli import main as run

    run()


if __name__ == "__main__":
    main()
