"""How any chart runs: ids, errors, behavior, wire format, engine, operations, journals.

Nothing in here knows a workflow: states, commands and events come from a generated package's
declaration (``runtime.declaration``), bytes go to a journal (``runtime.journal``).
"""
