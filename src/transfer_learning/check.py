"""All that can be wrong in ``params.yaml``, found before any heavy work starts.

``python -m transfer_learning.check`` is ``make check``, and the first thing in ``make repro``.
"""

from __future__ import annotations

from transfer_learning import packages, params, splits
from transfer_learning.sources import registry
from transfer_learning.stage import run


def check() -> params.Params:
    """Read ``params.yaml`` and check it against the disk and the known packages too.

    Raises:
        UserError: a key is wrong, a handle is not known, the folder of photos is missing or
            unusable, or a slice is empty or overlaps another.
    """
    settings = params.load()
    for name, backbone in settings.backbones.items():
        packages.check_handle(name, backbone.handle, backbone.resolution, backbone.sha256)
    slices = settings.dataset.splits.model_dump()
    count = registry.count(settings.dataset)
    if count is None:
        splits.check(slices)
    else:
        splits.resolve(slices, count)
    return settings


if __name__ == "__main__":
    run(lambda: print(f"params.yaml is right; backbones: {', '.join(check().backbones)}"))
