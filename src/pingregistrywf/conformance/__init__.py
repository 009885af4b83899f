"""Is yours right: the adapter protocol, and the reference implementation behind it.

Nothing in here knows a workflow: charts come in as the declarations and behaviors of generated
packages.
"""
