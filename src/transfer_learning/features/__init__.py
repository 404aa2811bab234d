"""Feature vectors of photos: their files, and the engines that compute them.

Import from here: ``features`` (the files), ``extraction`` (with what they were computed),
``engine`` (the choice for this machine), ``extractor`` (files of photos to files of features).
May import: backbones, photos, config, work, runtime.
"""
