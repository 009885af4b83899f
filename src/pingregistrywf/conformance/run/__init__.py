"""Runs the suite on an adapter: talk, compare, judge, shrink what fails, learn what is there."""
