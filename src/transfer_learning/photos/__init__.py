"""Photos as files: the data set that ``fetch`` wrote, its records, pixels and thumbnails.

Import from here: ``dataset`` (what there is), ``records`` (TFRecord files, without TensorFlow),
``shards`` (the same as units of work), ``tf_input`` (the same in TensorFlow), ``pixels`` (how any
photo is decoded), ``squares`` (R × R pixels, with ``resizing``; ``tf_resizing`` in TensorFlow),
``preprocessing`` (of whole files), ``thumbnails``.
May import: config, work, runtime.
"""
