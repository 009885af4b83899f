"""Who does what when: the admin, the servers and the gatherer of a registry.

Each is a class that runs declared operations on a journal, with clock and pauses passed in; what
takes a loop or a wait is here, what takes a decision is in the charts.
"""
