"""Declared services over gRPC: a journal on one machine serves several.

``messages`` reads requests and fills replies, ``calls`` does what a method is declared to do,
``statuses`` answers errors, and ``server`` listens.  Nothing in here knows a workflow: what each
method is about is the data of a generated package.  Only ``statuses`` and ``server`` need the
extra ``service``.
"""
