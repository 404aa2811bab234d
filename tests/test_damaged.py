"""Damage in the outputs and in DVC's cache: found, removed, and rebuilt by DVC."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def flip(path: Path) -> None:
    """Flip a bit of the file; its mode, size and time stay as they were."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_damage_in_file_and_cache_is_removed_and_the_right_bytes_come_back(built):
    names = (
        "data/features/tiny/test.npz",
        "data/models/tiny/head.npz",
        "reports/tiny/metrics.json",
    )
    good = {built.root / name: (built.root / name).read_bytes() for name in names}
    for path, content in good.items():
        md5 = hashlib.md5(content).hexdigest()
        cached = built.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        for copy in {path, cached}:
            if copy.exists():
                flip(copy)

    said = built.run("python", "-m", "stages.evaluate", "tiny", check=False).stderr
    mended = built.run("transfer-learning", "mend").stdout
    built.repro()

    assert "data/features/tiny/test.npz is damaged (" in said
    assert "extract@tiny writes it" in said
    assert all(name in mended for name in names)
    assert {path: path.read_bytes() for path in good} == good
    assert "every byte is as DVC recorded it" in built.run("transfer-learning", "mend").stdout
