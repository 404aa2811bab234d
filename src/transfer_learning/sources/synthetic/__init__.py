"""Five kinds of flowers drawn by code: each image is a pure function of (seed, class, index).

Import from here: ``render``.  May import: nothing else of this project.
"""
