"""Photos as files: the data set that ``fetch`` wrote, its records, pixels and thumbnails.

Import from here: ``dataset`` (what there is), ``records`` (TFRecord files, without TensorFlow),
``tf_input`` (the same files in TensorFlow), ``decoding``, ``preprocessing``, ``thumbnails``.
May import: config, runtime.
"""
