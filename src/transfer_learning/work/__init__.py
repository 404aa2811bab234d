"""A stage's work on photos in units: a shard in, a file out, by an executor that changes no byte.

Import from here: ``units`` (``Unit``, ``Job``, ``results``), ``executors`` (which one it is).
Behind them: ``local`` and ``ray_cluster``, ``shelf`` (the finished files), ``attempts`` (what
fails), ``member`` (a worker and where it works), ``bucket``.  May import: runtime.
"""
