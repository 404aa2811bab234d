"""What a classifier is worth: metrics, calibration, and how sure a comparison is.

Import from here: ``evaluate``, ``metrics``, ``predictions``, ``calibration``, ``significance``,
``selective``, ``comparison``, ``choice``, ``wording``.  May import: heads, features, backbones,
photos, config, runtime.
"""
