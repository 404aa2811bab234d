"""DVCLive's curves, which grow while something learns: ``dvc plots show FOLDER`` draws them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dvclive.live import Live
from scmrepo.exceptions import SCMError

from transfer_learning.runtime.csv_files import METRIC_DECIMALS
from transfer_learning.runtime.errors import UserError


class RoundedLive(Live):
    """Keeps as many decimals as the tables of the reports."""

    def log_metric(self, name: str, val: float | str, *options: Any, **named: Any) -> None:
        """Log one metric of the present step."""
        super().log_metric(name, round(float(val), METRIC_DECIMALS), *options, **named)


def open_live(folder: Path) -> RoundedLive:
    """Return a logger that writes its tables into a folder.

    Raises:
        UserError: DVCLive cannot read the Git repository.
    """
    try:
        return RoundedLive(str(folder), save_dvc_exp=False, dvcyaml=None)
    except SCMError as error:
        raise UserError(
            f"DVCLive cannot read this folder's Git repository: {error}; if it has no commit yet, "
            'run git add -A && git commit -m "start", then dvc repro'
        ) from None
