"""A service of this project's own, for any chart: commands, histories and operations by name.

The 2019 services cannot carry every command, and few errors.  This one can.  It stands beside them
on one port, and serves the same names.  ``pingregistrywf.runtime.remote`` has its messages and its
client.
"""
