"""A finished classifier, read from the folder that ``export`` made: photos in, answers out.

Import from here: ``manifest`` (what the folder holds), ``classifier`` (what answers).
May import: evaluation, heads, features, backbones, photos, config, runtime.
"""
