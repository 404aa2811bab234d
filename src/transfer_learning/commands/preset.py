"""Put presets/NAME.yaml in force as params.yaml: ``transfer-learning preset NAME``.

``make flowers`` and ``make defaults`` are this, then ``make repro``.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from transfer_learning.config import paths
from transfer_learning.config.params import load
from transfer_learning.config.paths import PARAMS, PRESETS
from transfer_learning.runtime.errors import UserError, quoted
from transfer_learning.runtime.files import write_text


def apply(name: str) -> str:
    """Write the preset over params.yaml, unless that would lose what is nowhere else.

    The outputs of backbones that it does not have are removed: DVC leaves them where they are,
    ``compare`` depends on their folders as a whole, and the reports should show what is in force.
    The next ``dvc repro`` with those backbones takes them from DVC's cache.

    Returns:
        What was done, in a sentence.

    Raises:
        UserError: there is no such preset, or params.yaml is neither a preset nor committed.
    """
    presets = {path.stem: path.read_bytes() for path in sorted(PRESETS.glob("*.yaml"))}
    if name not in presets:
        raise UserError(f"there is no preset {quoted(name)}; name one of {', '.join(presets)}")
    source = PRESETS / f"{name}.yaml"
    done = f"{PARAMS} is now {source}"
    if PARAMS.exists():
        present = PARAMS.read_bytes()
        if present == presets[name]:
            return f"{PARAMS} is {source} already"
        if present not in presets.values():
            _expect_committed()
            done += f"; git checkout HEAD -- {PARAMS} brings the committed one back"
    leaving = _backbones(PARAMS) - _backbones(source)
    write_text(PARAMS, presets[name].decode())
    for output in (path for left in leaving for path in paths.of_backbone(left)):
        if output.is_dir():
            shutil.rmtree(output)
        else:
            output.unlink(missing_ok=True)
    return done


def _backbones(path: Path) -> set[str]:
    try:
        return set(load(path).competitors)
    except UserError:  # A file that is wrong or missing has built none.
        return set()


def _expect_committed() -> None:
    try:
        committed, present = (
            subprocess.run(["git", *command], capture_output=True, text=True, check=False)
            for command in (["rev-parse", f"HEAD:./{PARAMS}"], ["hash-object", str(PARAMS)])
        )
    except FileNotFoundError:
        reason = "git is not installed"
    else:
        if committed.returncode == 0 and committed.stdout == present.stdout:
            return
        reason = committed.stderr.partition("\n")[0] or "it differs from HEAD's"
    raise UserError(
        f"{PARAMS} is none of {PRESETS}/ and not committed ({reason}), so it would be lost\n"
        f"to keep it: git add {PARAMS} && git commit -m 'My parameters' (git init comes before "
        f"where there is no repository)\nto give it up: rm {PARAMS}"
    )
