"""Photo-like pictures of five kinds of flowers, drawn with NumPy and Pillow.

Import `CLASSES` and `render` from `render`, and the sizes from `camera`. The modules, from the
lowest: `portable_math`, `mesh`, `noise`, `flowers`, `plants`, `backgrounds`, `camera`, `render`.
They use NumPy, Pillow and each other only, and nothing whose last digit depends on the processor,
so a photo has the same bytes on every x86-64 CPU.  May import: nothing else of this project.
"""
