"""The selected classifier as files that work without this project, and their checks.

May import: classifier, reports and everything below them but sources.
"""
