"""Photos as files: the data set that ``fetch`` wrote, its records, pixels and thumbnails.

Import from here: ``dataset`` (what there is), ``records`` (TFRecord files, without TensorFlow),
``tf_input`` (the same files in TensorFlow), ``pixels`` (how any photo is decoded), ``decoding``
(the same in TensorFlow), ``preprocessing`` (R × R pixels in TensorFlow), ``squares`` (the same
without it, with ``resizing``), ``thumbnails``.
May import: config, runtime.
"""
