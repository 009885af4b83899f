"""Is yours right: the suite, the runner, the reports and the self-test.

Nothing in here knows a workflow: charts come in as models, and the implementation under test is
behind an adapter.  ``suite`` makes cases of a chart, ``run`` executes them on an implementation,
``reports`` writes down what was found, ``selftest`` shows that the suite finds what is wrong.
``pytest -p pingregistrywf.conformance`` loads the suite into pytest.
"""

pytest_plugins = ("pingregistrywf.conformance.pytest_plugin",)
