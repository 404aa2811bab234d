"""What a person runs beside the stages: the checks and switches of ``params.yaml``.

May import: everything.
"""
