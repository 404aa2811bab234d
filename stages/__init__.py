"""The pipeline's steps, under the names that ``dvc dag`` shows: ``python -m stages.NAME``.

This runs before a step's imports, which take seconds: Ctrl-C ends them in one line, too.
"""

from transfer_learning.runtime import cli

cli.expect_interrupts()
