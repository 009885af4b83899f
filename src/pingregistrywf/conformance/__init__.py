"""Is yours right: the suite, the runner, the self-test, and the reference behind the protocol.

Nothing in here knows a workflow: charts come in as models, and the package under test as
declarations and behaviors.  ``suite`` makes cases of a chart, ``run`` holds an implementation to
them, ``reports`` writes down what was found, ``selftest`` shows that the suite finds what is wrong.
``pytest -p pingregistrywf.conformance`` loads the suite into pytest.
"""

pytest_plugins = ("pingregistrywf.cli.pytest_plugin",)
