"""Put presets/NAME.yaml in force as params.yaml: ``transfer-learning preset NAME``.

``make flowers``, ``make best`` and ``make defaults`` are this, then ``make repro``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from transfer_learning.config import params, paths
from transfer_learning.config.paths import PARAMS, PRESETS
from transfer_learning.runtime.errors import UserError, quoted
from transfer_learning.runtime.files import write_text


def apply(name: str) -> str:
    """Write the preset over params.yaml, unless that would lose what is nowhere else.

    A preset without ``dataset`` leaves that of params.yaml in force: the photos stay.

    The outputs of backbones that it does not have are removed: DVC leaves them where they are,
    ``compare`` depends on their folders as a whole, and the reports should show what is in force.
    The next ``dvc repro`` with those backbones takes them from DVC's cache.

    Returns:
        What was done, in a sentence.

    Raises:
        UserError: there is no such preset, or params.yaml is neither a preset nor committed.
    """
    presets = {
        path.stem: path.read_bytes().decode("utf-8") for path in sorted(PRESETS.glob("*.yaml"))
    }
    if name not in presets:
        raise UserError(f"there is no preset {quoted(name)}; name one of {', '.join(presets)}")
    source = PRESETS / f"{name}.yaml"
    text, keeps = presets[name], not _split(presets[name])[0]
    if keeps:
        # Behind the words at its top.
        text = re.sub(
            r"^(?=[^\s#])", lambda _: _present_dataset(), text, count=1, flags=re.MULTILINE
        )
    done = f"{PARAMS} is now {source}" + ", with the photos that it had" * keeps
    if PARAMS.exists():
        present = PARAMS.read_bytes()
        if present == text.encode():
            return f"{PARAMS} is {source} already"
        if not _known(present, list(presets.values()), keeps=keeps):
            _expect_committed()
            done += f"; git checkout HEAD -- {PARAMS} brings the committed one back"
    leaving = _competitors(PARAMS)
    write_text(PARAMS, text)
    leaving -= _competitors(PARAMS)
    for output in (path for left in leaving for path in paths.of_backbone(left)):
        if output.is_dir():
            shutil.rmtree(output)
        else:
            output.unlink(missing_ok=True)
    return done


def _present_dataset() -> str:
    """Return the lines of ``dataset`` in params.yaml.

    Raises:
        UserError: params.yaml, whose photos are to stay, is wrong or missing.
    """
    params.load()
    if not (lines := _split(PARAMS.read_text(encoding="utf-8"))[0]):
        raise UserError(
            f"{PARAMS}: dataset does not stand at the beginning of a line; put it there"
        )
    return lines


def _split(text: str) -> tuple[str, str]:
    """Return the lines of the section ``dataset``, and all others."""
    parts = re.split(r"^(?=[^\s#])", text, flags=re.MULTILINE)
    inside = [part.startswith("dataset:") for part in parts]
    return (
        "".join(part for part, its in zip(parts, inside, strict=True) if its),
        "".join(part for part, its in zip(parts, inside, strict=True) if not its),
    )


def _known(present: bytes, presets: Sequence[str], *, keeps: bool) -> bool:
    """Whether each line that would be lost is a preset's: all, or those outside of ``dataset``."""
    try:
        dataset, rest = _split(present.decode("utf-8"))
    except UnicodeDecodeError:
        return False
    datasets, rests = zip(*map(_split, presets), strict=True)
    return rest in rests and (keeps or dataset in datasets)


def _competitors(path: Path) -> set[str]:
    try:
        return set(params.load(path).competitors)
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
