"""Finds outputs and cached copies whose bytes are not what DVC recorded, and removes them.

DVC takes a cached copy for right when it cannot be written to, and a file when its size and time
are the recorded ones, so it hands damage on; ``dvc repro -f`` makes the file anew and leaves the
cached copy as it is.  What is missing, it restores or rebuilds.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from transfer_learning.commands import outputs
from transfer_learning.commands.mend import expect_no_dvc
from transfer_learning.runtime import files


def remove() -> list[str]:
    """Read every byte of DVC's cache and of the outputs; remove what is damaged, and say so.

    Raises:
        UserError: this is no DVC project, or DVC is running here.
    """
    expect_no_dvc("DVC's cache")
    # The cache first: only then are its lists of what is in each folder to be believed.
    return [*_of_cache(), *_of_outputs()]


def _of_cache() -> list[str]:
    done = []
    for path in sorted(outputs.cache_folder(Path.cwd()).glob("??/*")):
        if path.is_file() and files.md5(path) != path.parent.name + path.name.removesuffix(".dir"):
            path.unlink()
            done.append(f"{path} was damaged: removed from DVC's cache")
    return done


def _of_outputs() -> list[str]:
    done = []
    for output in outputs.locked():
        path = Path(output.path)
        if not path.exists() or not output.md5:
            continue
        if output.files is None:  # A folder, of which only the hash of the whole is known.
            if outputs.hashed(output).md5 != output.md5:
                shutil.rmtree(path)
                done.append(f"{path} is not what {output.stage} wrote: removed")
            continue
        for name, md5 in output.files.items():
            file = Path(name)
            if file.is_file() and files.md5(file) != md5:
                file.unlink()
                done.append(f"{file} is not what {output.stage} wrote: removed")
    return done
