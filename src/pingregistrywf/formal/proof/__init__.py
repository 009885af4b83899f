"""The proof that a system is safe with any number of participants, by induction.

Every clause of its invariant holds at first, and every action keeps it.  The actions are made from
the same charts, operations and system as the model in TLA+.  z3 decides each of these obligations.
"""
