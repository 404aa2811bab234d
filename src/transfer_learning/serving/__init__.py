"""A finished classifier behind HTTP.

Import from here: ``server`` (the process), ``app`` (the routes), ``limits`` (what is refused).
May import: classifier and everything below it but sources.
"""
