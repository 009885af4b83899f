"""What generated packages say when a file of theirs is broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pingregistrywf.runtime.loading import read_document

CONFLICT = '{\n<<<<<<< HEAD\n"version": "1.0.0"\n=======\n"version": "1.0.1"\n>>>>>>> other\n}\n'


def test_a_document_with_marks_of_a_merge_is_named(tmp_path: Path) -> None:
    file = tmp_path / "chart.json"
    file.write_text(CONFLICT, encoding="utf-8")
    said = rf"^{re.escape(str(file))} is no JSON: .*: line 2 .*; take back a version of it"
    with pytest.raises(ValueError, match=said):
        read_document(file)
