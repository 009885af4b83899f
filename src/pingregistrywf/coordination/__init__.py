"""The participants of a registry: the admin, the servers, the gatherer and the collector.

Each is a class that runs declared operations on a journal, with the clock and the pauses passed in.
Loops and waits are here; the decisions are in the charts.
"""
