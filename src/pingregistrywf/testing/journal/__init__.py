"""The tests that every journal passes: subclass ``JournalContract``, and say how to open a journal.

The tests know a backend by the journal protocol alone (``runtime.journal.protocol``), whose
docstrings are the contract.  ``writing`` has what they write, for further tests of a backend.
"""

from pingregistrywf.testing.clock import DAY, TurnedClock
from pingregistrywf.testing.journal.commits import Commits
from pingregistrywf.testing.journal.contents import Contents
from pingregistrywf.testing.journal.deletion import Deletion, Overtaken
from pingregistrywf.testing.journal.feeds import Feeds
from pingregistrywf.testing.journal.subscriptions import Subscriptions
from pingregistrywf.testing.journal.trimming import Trimming
from pingregistrywf.testing.journal.writing import CHART, IDS, chain, given, post, read_feed

__all__ = [
    "CHART",
    "DAY",
    "IDS",
    "JournalContract",
    "Overtaken",
    "TurnedClock",
    "chain",
    "given",
    "post",
    "read_feed",
]


class JournalContract(Commits, Deletion, Trimming, Contents, Subscriptions, Feeds):
    """Inherit this class in a test module of yours, and define ``open``."""
