"""The classifier on top of the features: its file, its training, its learning curves.

Import from here: ``head``, ``training`` (dense), ``logistic``, ``history``,
``strengths``.  May import: features, config, runtime.
"""
