"""What every part of the program needs and no part is about.

Import from here: ``errors``, ``damage``, ``cli``, ``files``, ``csv_files``, ``npz``, ``progress``,
``timings``, ``parallel``, ``hardware``, ``tensorflow_quiet`` and ``openvino_quiet`` (the only
ways in to these two libraries).  May import: nothing else of this project.
"""
