"""Two examples for each command, which its help shows: what the line does, and the line.

They read as if ``PINGREGISTRYWF_JOURNAL`` named a journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

Example: TypeAlias = tuple[str, str]

_P: Final = "pingregistrywf"
EXAMPLES: Final[Mapping[str, tuple[Example, ...]]] = MappingProxyType(
    {
        "": (
            ("See a whole workflow run.", f"{_P} demo"),
            ("Check this installation.", f"{_P} doctor"),
        ),
        "demo": (
            ("Run five servers, of which two fail.", f"{_P} demo --servers 5 --failing 2"),
            ("Kill a server on the way.", f"{_P} demo --chaos"),
        ),
        "begin": (
            ("Begin a workflow with a new id.", f"{_P} begin reg"),
            (
                "Begin it with an id of your own, or finish what was interrupted.",
                f"{_P} begin reg --workflow 3f0c9a52-6a5b-4c1e-9a57-2f1d8c7b6e01",
            ),
        ),
        "get": (
            ("Print the pings of a workflow.", f"{_P} get reg --workflow 3f0c"),
            ("Wait a minute for the summary.", f"{_P} get reg --workflow 3f0c --wait 60"),
        ),
        "commit": (
            ("Commit a workflow.", f"{_P} commit reg --workflow 3f0c"),
            (
                "Commit it only if nothing has changed.",
                f"{_P} commit reg --workflow 3f0c --vid 01HF7YBCHR0000000000000000",
            ),
        ),
        "list": (
            ("List the workflows that can be committed.", f"{_P} list reg --state summarized"),
            ("Pass the ids on to another program.", f"{_P} list reg --quiet | wc -l"),
        ),
        "events": (
            ("Print the events of a workflow.", f"{_P} events reg --workflow 3f0c"),
            ("Follow the index as JSON.", f"{_P} events reg --watch --json"),
        ),
        "watch": (
            ("Watch a registry.", f"{_P} watch reg"),
            ("Get each change as JSON.", f"{_P} watch reg --json"),
        ),
        "server": (
            ("Post pings as the server alpha.", f"{_P} server reg --name alpha"),
            (
                "Report a failure once in each workflow.",
                f"{_P} server reg --name b --pings 1 --code 7",
            ),
        ),
        "gather": (
            ("Summarize each workflow.", f"{_P} gather reg"),
            ("Summarize after ten minutes.", f"{_P} gather reg --duration 600"),
        ),
        "collect": (
            ("See what would be done.", f"{_P} collect reg --dry-run"),
            ("Expire, delete and collect what is old.", f"{_P} collect reg"),
        ),
        "serve": (
            ("Serve a registry on this machine.", f"{_P} serve --registry reg"),
            (
                "Also gather and collect, on another port.",
                f"{_P} serve --registry reg --gather --collect --listen 127.0.0.1:7551",
            ),
        ),
        "chart": (
            ("Print the chart for Graphviz.", f"{_P} chart --format dot"),
            ("Walk the chart by commands.", f"{_P} chart --step Init AppendPing PostSummary"),
        ),
        "chart diff": (
            ("Compare two versions of a chart.", f"{_P} chart diff old.yaml new.yaml"),
            ("Compare with what was generated.", f"{_P} chart diff packages/parcel parcel.yaml"),
        ),
        "explore": (
            ("Open the explorer in a browser.", f"{_P} explore"),
            ("Write its page for a chart of yours.", f"{_P} explore --model my.yaml --output page"),
        ),
        "generate": (
            ("See whether all is up to date.", f"{_P} generate --check"),
            (
                "Generate packages from a chart of yours.",
                f"{_P} generate --model parcel.yaml --package workflows",
            ),
        ),
        "verify": (
            ("Check the model at every size that takes seconds.", f"{_P} verify"),
            ("Ask whether the model could write a journal.", f"{_P} verify --trace sqlite:p.db"),
        ),
        "prove": (
            ("Prove the invariant of the model.", f"{_P} prove"),
            ("Prove that of a model of yours.", f"{_P} prove --model parcel.yaml system.yaml"),
        ),
        "adapter": (
            ("Answer requests from standard input.", f"{_P} adapter"),
            ("Be the reference of a chart of yours.", f"{_P} adapter --model parcel.yaml"),
        ),
        "conform": (
            ("Test an implementation.", f"{_P} conform --adapter ./adapter"),
            (
                "Run levels 1 to 3, and begin with what failed last.",
                f"{_P} conform --adapter ./adapter --level 1-3 --failed-first",
            ),
        ),
        "conform self-test": (
            ("Test the suite itself.", f"{_P} conform self-test"),
            ("Write the result to a file.", f"{_P} conform self-test --json-report matrix.json"),
        ),
        "conform init": (
            ("Begin an adapter in Go.", f"{_P} conform init adapter --language go"),
            ("Begin one in Python.", f"{_P} conform init my_adapter --language python"),
        ),
        "conform bundle": (
            ("Write the suite to a file.", f"{_P} conform bundle suite.zip"),
            ("Write that of a chart of yours.", f"{_P} conform bundle my.zip --model parcel.yaml"),
        ),
        "conform matrix": (
            ("Compare implementations.", f"{_P} conform matrix matrix.toml"),
            ("Write a page of it.", f"{_P} conform matrix matrix.toml --html matrix.html"),
        ),
        "token": (
            (
                "Let a server post pings for a week.",
                f"{_P} token issue --key k.pem --name b --role server=reg --days 7",
            ),
            ("See what a token says.", f"{_P} token inspect token.txt"),
        ),
        "token issue": (
            (
                "Let a server post pings for a week.",
                f"{_P} token issue --key k.pem --name b --role server=reg --days 7",
            ),
            (
                "Let an admin work on two registries.",
                f"{_P} token issue --key k.pem --name ann --role admin=reg --role admin=b",
            ),
        ),
        "token inspect": (
            ("See what a token says.", f"{_P} token inspect token.txt"),
            (
                "Ask whether a server would take it.",
                f"{_P} token inspect token.txt --auth auth.yaml",
            ),
        ),
        "doctor": (
            ("Check this machine and this installation.", f"{_P} doctor"),
            ("Check a journal, too.", f"{_P} doctor --journal sqlite:pings.db"),
        ),
        "journal": (
            ("See what is in a journal.", f"{_P} journal info"),
            ("Check every event of it.", f"{_P} journal verify"),
        ),
        "journal info": (
            ("See what is in a journal.", f"{_P} journal info --journal sqlite:pings.db"),
            ("Get the same as JSON.", f"{_P} journal info --json"),
        ),
        "journal verify": (
            ("Check every event.", f"{_P} journal verify"),
            (
                "Check histories of a chart of yours, too.",
                f"{_P} journal verify --model parcel.yaml",
            ),
        ),
        "journal backup": (
            ("Copy a journal while it is used.", f"{_P} journal backup copy.db"),
            (
                "Copy histories of a chart of yours, too.",
                f"{_P} journal backup copy.db --model parcel.yaml",
            ),
        ),
        "journal restore": (
            ("Put a backup in the journal's place.", f"{_P} journal restore copy.db"),
            ("Finish what was interrupted.", f"{_P} journal restore"),
        ),
        "journal export": (
            ("Write all histories to a file.", f"{_P} journal export pings.jsonl"),
            ("Print one history.", f"{_P} journal export --history 3f0c"),
        ),
        "journal import": (
            (
                "Import an export.",
                f"{_P} journal import pings.jsonl --journal sqlite:new.db",
            ),
            (
                "Move histories from one journal to another.",
                f"{_P} journal export --journal sqlite:old.db | {_P} journal import",
            ),
        ),
    }
)
