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
    """Return the stages' entries in ``dvc.lock``, all their values as text.

    Empty where it is missing or no YAML.
    """
    # Here because only a stage that DVC runs, or an error, needs it.  In C, since ruamel.yaml, with
    # which DVC writes it, takes ten times as long; and ruamel.yaml's own C loader, which DVC would
    # then use too, cannot read what DVC writes to params.yaml: {handle: pypi:…} without quotes.
    import yaml

    try:
        read = yaml.load(LOCK.read_bytes(), yaml.CBaseLoader)
        return dict(read["stages"]) if read else {}
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return {}


def _writer(path: Path) -> str | None:
    """Return the stage whose output the file is or lies in, by ``dvc.lock``."""
    file = path.absolute()
    for name, stage in locked().items():
        for output in stage.get("outs", []):
            if Path(output["path"]).absolute() in (file, *file.parents):
                return str(name)
    return None
