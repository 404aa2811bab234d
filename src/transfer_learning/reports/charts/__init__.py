"""The charts, as PNG files with equal bytes each time.

Import from here: ``backbone``, ``confusion``, ``across``, ``photos_needed``.
"""
