"""Photos as files: the data set that ``fetch`` wrote, its records, pixels and thumbnails.

Import from here: ``dataset`` (what there is), ``records`` (TFRecord files, without TensorFlow),
``tf_input`` (the same files in TensorFlow), ``pixels`` (how any photo is decoded), ``squares``
(R × R pixels, with ``resizing``), ``preprocessing`` (of whole files), ``thumbnails``.
May import: config, work, runtime.
"""
