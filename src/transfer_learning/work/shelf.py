"""Where the finished files of a job's units are, and by what names."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from transfer_learning.runtime.errors import UserError
from transfer_learning.work.units import Job, Unit, code, digest, on_disk

# Seconds until a file that another machine has written is missed.
PATIENCE = 90.0


class Shelf:
    """A folder with the files of a job's units.

    A file's name is three digests: of the job, of the unit's name, and of all that the unit's
    result depends on.  Whatever else the folder holds is of no use any more, and is removed: a
    stage that is stopped again and again, with other photos or code each time, does not fill it.
    """

    def __init__(
        self, job: Job, folder: Path, *, known_by: Callable[[Path], object] = on_disk
    ) -> None:
        """Make the folder and remove what is of other jobs.

        Args:
            job: what the units belong to.
            folder: where the files are.
            known_by: a plain value that tells a file that is read from others.
        """
        self._known_by = known_by
        whole = [job.stage, job.facts, self._identities(job.inputs), code()]
        self.job = digest(whole, 12)
        self.folder = folder
        self._found: defaultdict[str, set[str]] = defaultdict(set)
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            of_job, _, rest = path.name.partition("-")
            if of_job == self.job and not path.suffix:
                self._found[rest.partition("-")[0]].add(path.name)
            else:
                path.unlink(missing_ok=True)

    def place(self, unit: Unit) -> Path:
        """Return where the unit's file is, or is to be; remove its files of other inputs."""
        unit_name = digest(unit.name, 12)
        whole = [unit.name, unit.photos, unit.facts, self._identities(unit.inputs)]
        name = f"{self.job}-{unit_name}-{digest(whole)}"
        for other in self._found.pop(unit_name, set()) - {name}:
            (self.folder / other).unlink(missing_ok=True)
        return self.folder / name

    def expect(self, path: Path) -> None:
        """Wait until a file shows that another machine has written.

        Raises:
            UserError: it does not.
        """
        patience = time.monotonic() + PATIENCE
        while not path.exists():
            if time.monotonic() > patience:
                raise UserError(
                    f"{path} was written by a worker and does not show here: is {self.folder} the "
                    "same folder on all nodes?"
                )
            time.sleep(0.1)
            # NFS asks its server anew for a folder that is listed, and else not for a minute.
            os.scandir(self.folder).close()

    def _identities(self, paths: tuple[Path, ...]) -> list[object]:
        return [[str(path), self._known_by(path)] for path in paths]
