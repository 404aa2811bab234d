"""What people look at: figures, Markdown and the page.

Import from here: ``charts.backbone``, ``charts.confusion``, ``charts.across``, ``photo_grids``,
``chapter_page``, ``comparison_page``, ``summary_page``, ``html.page``.
May import: everything below it but sources.
"""
