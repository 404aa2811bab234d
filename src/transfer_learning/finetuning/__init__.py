"""A backbone and its trained head go on learning together, and become a backbone of their own.

Import from here: ``stage`` (an artifact in, an artifact out), ``checks`` (what cannot be tuned, and
why), ``augmentation``, ``history``.  May import: heads, features, backbones, photos, config,
runtime.
"""
