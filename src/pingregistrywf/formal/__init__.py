"""The model in TLA+, and TLC, the model checker that examines all its behaviours.

TLC is a Java program of others.  Its modules are read from a directory, and everything that it
writes goes to a temporary one.  Nothing here knows a workflow.
"""
