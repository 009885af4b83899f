"""Read a chart, expand it to the total table, and run it in python-statemachine.

``vocabulary`` is the language of ``model/`` as pydantic models; ``reader`` reads a file and reports
every mistake in it at once; ``table`` expands rules to one cell for every state and command;
``machine`` runs the same rules without the table, as an independent second engine.
"""
