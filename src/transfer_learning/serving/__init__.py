"""A finished classifier behind HTTP.

May import: classifier and everything below it but sources.
"""
