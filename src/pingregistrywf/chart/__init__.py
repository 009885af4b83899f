"""Read a chart, check it, lower it to the form that programs read, and run it a second time.

``vocabulary`` is the language of ``model/`` as pydantic models; ``reader`` reads a file and reports
every mistake in it; ``lower`` fills in every default and makes the table total, as ``ir`` declares;
``machine`` runs the rules as they are written, as an independent second engine.
"""
