"""What the photos themselves say: copies, leaks between splits, wrong labels, outliers, odd photos.

Import from here: ``findings`` (all that is said, and its file), ``inspection`` (how it is found).
May import: heads, features, photos, config, runtime.
"""
