"""Where photos come from: a module per value of ``dataset.source``, and what turns one into a
data set.

Import from here: ``registry`` (the chosen source, opened), ``fetching`` (a source in,
data/dataset out), ``folder.manifest``, ``splits``.  May import: photos, config, work, runtime.

``folder`` finds out what holds the user's photos: ``class_folders``, or ``shards`` (``archives``,
whose members ``layout`` tells apart, a bucket or a list, by ``storage``).
"""
