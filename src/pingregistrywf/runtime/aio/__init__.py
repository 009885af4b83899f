"""Any chart on asyncio: the run time's facades, operations, streams and feed for an event loop.

A journal blocks.  ``journal.AsyncJournal`` has the threads that wait for it: some for commands,
others for reads, and one that watches.  No rule of the blocking run time stands here again.
"""
