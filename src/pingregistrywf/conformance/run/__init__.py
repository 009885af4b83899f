"""Runs the suite on an adapter: send, compare, judge, shrink what fails, learn what is there."""
