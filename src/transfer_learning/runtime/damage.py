"""What to say of a file of the pipeline whose bytes are not those that were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transfer_learning.runtime.errors import UserError

LOCK = Path("dvc.lock")


def damaged(path: Path, problem: str) -> UserError:
    """Return the error that names the file, what is wrong with it, who writes it and the cure.

    Deleting the file or ``dvc repro -f`` would not do: a damaged copy in DVC's cache stays, and
    comes back with the next checkout.
    """
    stage = _writer(path)
    return UserError(
        f"{path} is damaged ({problem}); {f'{stage} writes it. R' if stage else 'r'}un "
        "transfer-learning mend, which removes what is damaged, in DVC's cache too, then dvc repro"
    )


def locked() -> dict[str, dict[str, Any]]:
    """Return the stages' entries in ``dvc.lock``; none where it is missing or no YAML."""
    # 0.1 s, which only a stage that DVC runs, or an error, takes.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return dict((YAML(typ="safe").load(LOCK) or {}).get("stages", {}))
    except (OSError, ValueError, YAMLError):
        return {}


def _writer(path: Path) -> str | None:
    """Return the stage whose output the file is or lies in, by ``dvc.lock``."""
    file = path.absolute()
    for name, stage in locked().items():
        for output in stage.get("outs", []):
            if Path(output["path"]).absolute() in (file, *file.parents):
                return str(name)
    return None
