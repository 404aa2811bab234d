"""What people look at: figures, Markdown and the page.

Import from here: ``charts``, ``photo_grids``, ``chapter_page``, ``summary_page``, ``html.page``.
May import: everything below it but sources.
"""
