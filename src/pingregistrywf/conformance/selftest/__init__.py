"""Is the suite any good: it must pass what is right, and fail everything that is broken on purpose.

``subject`` is an implementation made from the chart, which departs from it if asked to;
``mutants`` names every departure of a chart that is looked for, ``faults`` what goes wrong in
journals and data; ``matrix`` runs the suite on all of them and counts what was found.
``power`` and ``yardsticks`` measure what each level, each bound and ``random_suites`` find alone.
"""
