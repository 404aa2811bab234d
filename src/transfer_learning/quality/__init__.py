"""What the photos are worth: duplicates, leaks between splits, suspect labels, outliers.

May import: heads, features, photos, config, runtime.
"""
