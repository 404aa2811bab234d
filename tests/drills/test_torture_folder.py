"""Drill: one folder with all that was ever found in one; ``fetch`` and ``preprocess`` survive."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from transfer_learning.config.params import Dataset, Folder, Preprocess, Rendered, Splits, Tfds
from transfer_learning.photos import pixels, preprocessing, records, tf_resizing, thumbnails
from transfer_learning.photos.dataset import DatasetInfo, record_files
from transfer_learning.sources.fetching import fetch
from transfer_learning.sources.folder import manifest

# So that Pillow writes HEIC, too.
assert "HEIF" in pixels.formats()

RESOLUTION = 16
METHOD = Preprocess(method="bilinear", antialias=False)
# The formats that hold an orientation.
TAGGED = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF")


def photo(kind: str, *, mode: str = "RGB", orientation: int = 1, seed: int = 0) -> bytes:
    channels = np.random.default_rng(seed).integers(0, 256, (14, 20, 4), np.uint8)
    tags = Image.Exif()
    tags[0x0112] = orientation
    tagged = {"exif": tags.tobytes()} if kind in TAGGED else {}
    file = io.BytesIO()
    Image.fromarray(channels, "RGBA").convert(mode).save(file, kind, **tagged)
    return file.getvalue()


def deep(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(file, kind)
    return file.getvalue()


def bomb() -> bytes:
    file = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(file, "PNG")
    return file.getvalue()


# Name → bytes of what is to be kept.
GOOD = {
    **{
        f"turned {n}.{kind.lower()}": photo(kind, orientation=n)
        for n in range(9)
        for kind in TAGGED
    },
    **{f"{mode}.png": photo("PNG", mode=mode) for mode in ("RGBA", "LA", "P", "L", "1")},
    **{f"{mode}.jpg": photo("JPEG", mode=mode) for mode in ("CMYK", "L")},
    "a.heic": photo("HEIF"),
    "RGBA.heic": photo("HEIF", mode="RGBA"),
    "RGBA.webp": photo("WEBP", mode="RGBA"),
    "P.gif": photo("GIF", mode="P"),
    "a.bmp": photo("BMP"),
    "a.ppm": photo("PPM"),
    "a.jp2": photo("JPEG2000"),
    "a.jfif": photo("JPEG"),
    "a.jpe": photo("JPEG"),
    "no suffix": photo("JPEG"),
    "png that says.jpg": photo("PNG"),
    "deep/er/and/deeper.jpg": photo("JPEG"),
    'line\nbreak, "quote" and \'ö 花 😀.jpg': photo("JPEG"),
    "x" * 250: photo("JPEG"),
}
# Name → bytes of what is to be listed with a reason.
BAD = {
    "empty.jpg": b"",
    "text.jpg": b"no photo",
    "notes.txt": b"no photo",
    "film.mp4": b"\0\0\0\x20ftypisom" + bytes(99),
    "program.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
    "cut.jpg": photo("JPEG")[:-200],
    "cut.png": photo("PNG")[:-40],
    "cut.avif": photo("AVIF")[:200],
    "cut.heic": photo("HEIF")[:-60],
    "16 bits.png": deep("PNG"),
    "16 bits.tif": deep("TIFF"),
    "bomb.png": bomb(),
}
HIDDEN = (
    ".DS_Store", "Thumbs.db", ".dvcignore", "._a.jpg", ".ipynb_checkpoints/a.jpg",
    "__MACOSX/a.jpg",
)  # fmt: skip
LINKS = {
    "dead": "nowhere",
    "loop": "loop",
    "zeros": "/dev/zero",
    "up": "..",
    "memory": "/proc/self/mem",
}


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for name, data in (GOOD | BAD).items():
        put(root / "odd" / name, data)
    for name in HIDDEN:
        put(root / name, photo("JPEG"))
        put(root / "odd" / name, photo("JPEG"))
    for name, target in LINKS.items():
        (root / "odd" / name).symlink_to(target)
        (root / name).symlink_to(target)
    os.mkfifo(root / "odd" / "pipe.jpg")
    os.mkfifo(root / "pipe")
    put(root / os.fsdecode(b"odd/\xff.jpg"), photo("JPEG"))
    put(root / os.fsdecode(b"\xfe/a.jpg"), photo("JPEG"))
    put(tmp_path / "linked" / "a.jpg", photo("JPEG"))
    for seed in range(8):
        put(tmp_path / "linked" / f"{seed}.jpg", photo("JPEG", seed=seed))
    (root / "plain").symlink_to(tmp_path / "linked")
    return root


def settings(root: Path) -> Dataset:
    return Dataset(
        source="folder",
        rendered=Rendered(images_per_class=1, seed=0),
        folder=Folder(path=str(root), classes=None),
        tfds=Tfds(name="tf_flowers", data_dir=None),
        splits=Splits(train="train[60%:]", valid="train[50%:60%]", test="train[:50%]"),
    )


def test_all_oddities_in_one_folder_are_survived(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    listed = manifest(settings(root).folder)
    info = fetch(settings(root), out, work=tmp_path / "work")

    odd = {entry.id.removeprefix("odd/") for entry in info.photos if entry.label == 0}
    reasons = {item.id.removeprefix("odd/"): item.reason for item in info.rejected}
    assert info.classes == ("odd", "plain")
    assert odd == GOOD.keys()
    assert BAD.keys() | LINKS.keys() | {"pipe.jpg", "pipe", "\\xff.jpg", "\\xfe"} == reasons.keys()
    assert all(reasons.values())
    assert listed == manifest(settings(root).folder)
    assert DatasetInfo.read(out) == info
    _expect_equal_pixels(info, out)
    _show(odd, reasons)


def _expect_equal_pixels(info: DatasetInfo, out: Path) -> None:
    """Expect ``preprocess`` and the thumbnails to show what ``pixels.rgb`` shows."""
    files = record_files(out)
    photos = preprocessing.shrunk(files, resolution=RESOLUTION, settings=METHOD)
    shrunk = {record.id: record.image for record in photos}
    kept = {record.id: record.image for record in records.read(files)}
    small = thumbnails.read(out)
    for entry in info.photos:
        picture = pixels.rgb(pixels.open_photo(kept[entry.id]))
        assert picture.size == (entry.width, entry.height)
        expected = tf_resizing.resize(
            np.asarray(picture), resolution=RESOLUTION, settings=METHOD
        ).numpy()
        assert shrunk[entry.id] == expected.tobytes(), entry.id
        if entry.split == "test":
            side = max(thumbnails.SIDES.values())
            picture.thumbnail((side, side))
            assert pixels.rgb(pixels.open_photo(small[entry.id])).size == picture.size


def _show(kept: set[str], reasons: dict[str, str]) -> None:
    print(f"\n{len(kept)} odd photos tried, {len(kept)} kept; 0 crashes, 0 hangs")
    for name, reason in sorted(reasons.items()):
        print(f"  {name[:40]:40} {reason[:90]}")
    print(f"{len(reasons)} others tried, {len(reasons)} left out with these reasons")
    print(f"{2 * len(HIDDEN)} hidden ones tried, {2 * len(HIDDEN)} passed over")
