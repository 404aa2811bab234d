"""What the user chose: ``params.yaml``, typed and checked, and where each artifact lies.

Import from here: ``params``, ``paths``.  May import: runtime.
"""
