"""Requests from outside: one mapping to commands and operations, whatever brings them.

``requests`` maps a request to a command or an operation, and its outcome to a reply or to an error
with a code.  ``stdio`` serves that as adapter protocol 1.  Nothing in here knows a workflow: charts
come as the behaviors of generated packages.
"""
