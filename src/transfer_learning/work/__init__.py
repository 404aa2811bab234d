"""A stage's work on photos in units: a shard in, a file out, by an executor that changes no byte.

Import from here: ``units`` (``Unit``, ``Job``, ``results``).  May import: runtime.
"""
