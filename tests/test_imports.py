"""No module imports itself, by whatever way: also where only type checkers follow."""

from __future__ import annotations

import graphlib

import grimp


def test_imports_have_no_circle() -> None:
    graph = grimp.build_graph("pingregistrywf", exclude_type_checking_imports=False, cache_dir=None)
    imports = {each: graph.find_modules_directly_imported_by(each) for each in graph.modules}
    assert len(imports) > 150
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle
