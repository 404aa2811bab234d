"""Who does a stage's units: this process, or the workers of a Ray cluster.

The environment says so and no parameter, since it changes no byte of any result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from importlib import metadata
from pathlib import Path

from transfer_learning.runtime.errors import UserError, quoted
from transfer_learning.work.units import Job, Unit

EXECUTOR = "TRANSFER_LEARNING_EXECUTOR"
# Where workers find and leave files, if not in the project's folder.
STORAGE = "TRANSFER_LEARNING_STORAGE"
# Ray's own: a cluster's address.
CLUSTER = "RAY_ADDRESS"
LOCAL, RAY = "local", "ray"


def chosen() -> str:
    """Return ``local`` or ``ray``.

    Raises:
        UserError: another one is asked for, or Ray is not installed.
    """
    name = os.environ.get(EXECUTOR) or LOCAL
    if name not in (LOCAL, RAY):
        raise UserError(
            f"{EXECUTOR} is {quoted(name)}; it can be {LOCAL} (this machine, the default) or {RAY}"
        )
    if name == RAY and not _version():
        raise UserError(f"{EXECUTOR} is {RAY}, which is not installed: make setup EXTRA={RAY}")
    return name


def described() -> str:
    """Return, for the timings, which executor it is, of which version, and where.

    Raises:
        UserError: as ``chosen``.
    """
    if chosen() == LOCAL:
        return LOCAL
    where = os.environ.get(CLUSTER) or "this machine"
    storage = f", {place}" if (place := os.environ.get(STORAGE)) else ""
    return f"{RAY} {_version()} on {where}{storage}"


def run(
    job: Job, units: Iterable[Unit], folder: Path, advance: Callable[[int], object]
) -> Generator[Path, None, None]:
    """Yield the units' files, as ``units.results`` says."""
    if chosen() == RAY:
        # Here, for it is an extra, and takes a second.
        from transfer_learning.work import ray_cluster

        storage, cluster = os.environ.get(STORAGE), os.environ.get(CLUSTER)
        yield from ray_cluster.run(job, units, folder, advance, storage=storage, cluster=cluster)
    else:
        from transfer_learning.work import local

        yield from local.run(job, units, folder, advance)


def _version() -> str | None:
    try:
        return metadata.version("ray")
    except metadata.PackageNotFoundError:
        return None
