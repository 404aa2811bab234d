"""The folder of photos: what is found, what is left out and why, and what the manifest sees."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from transfer_learning.config.params import Folder
from transfer_learning.runtime.errors import UserError
from transfer_learning.sources.folder import manifest, open_folder, scan
from transfer_learning.sources.scan import LARGEST


def png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (9, 8), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes of two photos."""
    root = tmp_path / "photos"
    for name in ("blue", "red"):
        (root / name).mkdir(parents=True)
        for i in range(2):
            (root / name / f"{i}.png").write_bytes(png(i))
    return root


def settings(root: Path | str, classes: list[str] | None = None) -> Folder:
    return Folder(path=str(root), classes=classes)


USUAL = {"blue/0.png", "blue/1.png", "red/0.png", "red/1.png"}


def ids(root: Path) -> set[str]:
    return {photo.id for photo in open_folder(settings(root)).photos}


def left_out(root: Path) -> dict[str, str]:
    return {item.id: item.reason for item in scan(settings(root)).left_out}


@pytest.mark.parametrize("name", ["a.avif", "b.heic", "c.tif", "d.jp2", "e.jfif", "f.jpe", "g"])
def test_every_file_of_a_class_is_a_photo_whatever_its_suffix(name: str, root: Path) -> None:
    (root / "blue" / name).write_bytes(png(7))

    assert ids(root) == USUAL | {f"blue/{name}"}
    assert left_out(root) == {}


def test_a_photo_deeper_down_belongs_to_the_class_at_the_top(root: Path) -> None:
    (root / "red" / "2024" / "May").mkdir(parents=True)
    (root / "red" / "2024" / "May" / "x.png").write_bytes(png(7))

    photos = {photo.id: photo.label for photo in open_folder(settings(root)).photos}

    assert photos["red/2024/May/x.png"] == photos["red/0.png"] == 1


@pytest.mark.parametrize(
    "name",
    [".ipynb_checkpoints/x.png", "__MACOSX/x.png", ".hidden/x.png", ".DS_Store", "Thumbs.db",
     "blue/.DS_Store", "blue/Thumbs.db", "blue/.ipynb_checkpoints/x.png", "blue/__MACOSX/x.png",
     "blue/._0.png", "desktop.ini", "README.md", "LICENSE.txt", ".dvcignore", "blue/.dvcignore"],
)  # fmt: skip
def test_what_programs_leave_in_folders_is_passed_over(name: str, root: Path) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(png(7))

    assert open_folder(settings(root)).classes == ("blue", "red")
    assert ids(root) == USUAL
    assert left_out(root) == {}


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def listen(path: Path) -> None:
    # A path of a socket has at most 108 bytes.
    before = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(path.name)
    os.chdir(before)


def very_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (link("nowhere"), "a link to nothing"),
        (link("odd"), "it cannot be read (Too many levels of symbolic links)"),
        (link("/dev/zero"), "no file, but a pipe, a socket or a device"),
        (link("../red"), "a link to a folder; put its photos or a real folder here"),
        (link(".."), "a link to a folder; put its photos or a real folder here"),
        (os.mkfifo, "no file, but a pipe, a socket or a device"),
        (listen, "no file, but a pipe, a socket or a device"),
        (very_large, "it has 268,435,457 bytes, and at most 268,435,456 are read"),
    ],
)
def test_what_cannot_be_a_photo_is_left_out_with_the_reason(
    make: Callable[[Path], None], reason: str, root: Path
) -> None:
    make(root / "blue" / "odd")

    assert ids(root) == USUAL
    assert left_out(root) == {"blue/odd": reason}
    assert json.loads(manifest(settings(root)))["blue/odd"] == reason


def test_a_name_that_is_no_text_is_left_out_and_shown_by_its_bytes(root: Path) -> None:
    (root / "blue" / os.fsdecode(b"caf\xe9.png")).write_bytes(png(7))
    (root / os.fsdecode(b"\xff")).mkdir()

    assert left_out(root) == {
        "blue/caf\\xe9.png": "its name is not UTF-8; rename it",
        "\\xff": "its name is not UTF-8; rename it",
    }
    assert open_folder(settings(root)).classes == ("blue", "red")


def test_a_photo_that_may_not_be_read_is_left_out(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may read all, so the system's answer is given here.
    monkeypatch.setattr(os, "access", lambda path, _: path.name != "1.png")

    assert ids(root) == {"blue/0.png", "red/0.png"}
    assert set(left_out(root).values()) == {"it cannot be read (Permission denied)"}


def test_a_file_that_cannot_be_read_though_it_seems_so_gives_its_reason(root: Path) -> None:
    # Reading a process's memory from its start is an error.
    (root / "blue" / "memory.png").symlink_to("/proc/self/mem")

    read = {photo.id: data for photo, data in open_folder(settings(root)).encoded()}

    assert read["blue/memory.png"] == "it cannot be read (Input/output error)"
    assert read["blue/0.png"] == png(0)
    assert json.loads(manifest(settings(root)))["blue/memory.png"] == read["blue/memory.png"]


def test_a_file_beside_the_class_folders_is_left_out(root: Path) -> None:
    (root / "x.png").write_bytes(png(7))

    assert left_out(root) == {"x.png": "it lies beside the class folders, in none of them"}


def test_a_class_that_is_a_link_to_a_folder_is_followed_but_not_into_itself(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "y.png").write_bytes(png(9))
    (root / "yellow").symlink_to(tmp_path / "elsewhere")
    (root / "all").symlink_to(".")

    assert ids(root) == USUAL | {"yellow/y.png"}
    assert left_out(root) == {"all": "a link to the folder that it lies in"}


def test_the_manifest_sees_all_that_is_read(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "y.png").write_bytes(png(9))
    (root / "yellow").symlink_to(tmp_path / "elsewhere")
    (root / "LICENSE.txt").write_text("blue/0.png by somebody\n")
    manifests = [manifest(settings(root))]

    (tmp_path / "elsewhere" / "new.png").write_bytes(png(3))
    manifests.append(manifest(settings(root)))
    # Another byte under the old size and time.
    photo = root / "blue" / "0.png"
    status = photo.stat()
    photo.write_bytes(png(200))
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    manifests.append(manifest(settings(root)))
    (root / "LICENSE.txt").write_text("blue/0.png by somebody else\n")
    manifests.append(manifest(settings(root)))
    (root / "blue" / "odd").symlink_to("nowhere")
    manifests.append(manifest(settings(root)))

    assert len(set(manifests)) == len(manifests)
    assert manifests[-1] == manifest(settings(root))
    assert json.loads(manifests[0]).keys() == USUAL | {"yellow/y.png", "LICENSE.txt"}


def test_home_is_meant_by_a_tilde(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root.parent))

    assert {photo.id for photo in open_folder(settings("~/photos")).photos} == USUAL
    assert json.loads(manifest(settings("~/photos"))).keys() == USUAL


@pytest.mark.parametrize("read", [open_folder, manifest])
@pytest.mark.parametrize("path", ["nowhere", "~nobody-of-this-name/photos", "file"])
def test_a_folder_that_is_none_is_named(
    read: Callable[[Folder], object], path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()

    with pytest.raises(UserError, match=rf"dataset\.folder\.path is '{path}', wh"):
        read(settings(path))


def test_fewer_than_two_classes_are_refused(root: Path) -> None:
    with pytest.raises(UserError, match="1 class folders"):
        open_folder(settings(root, classes=["red"]))


@pytest.mark.parametrize("name", ["raw.cr2", "notes.txt", "film.mp4", "jpg", "program.eps"])
def test_files_of_other_kinds_are_left_out_and_not_counted(name: str, root: Path) -> None:
    (root / "blue" / name).write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")

    assert ids(root) == USUAL
    assert left_out(root)[f"blue/{name}"].startswith("not one of JPEG, PNG")


@pytest.mark.parametrize("name", [None, "notes.txt"])
def test_a_class_without_photos_is_named_before_any_is_read(name: str | None, root: Path) -> None:
    (root / "green").mkdir()
    if name:
        (root / "green" / name).write_text("none")

    with pytest.raises(UserError, match="green holds no photo"):
        open_folder(settings(root))


def test_classes_that_are_asked_for_are_all_that_is_looked_at(root: Path) -> None:
    (root / "green").mkdir()

    assert open_folder(settings(root, classes=["red", "blue"])).classes == ("red", "blue")
    with pytest.raises(UserError, match="'pink'"):
        open_folder(settings(root, classes=["red", "pink"]))


def test_a_class_given_for_the_folder_of_classes_is_recognised(root: Path) -> None:
    with pytest.raises(UserError, match=r"holds 0 class folders.*give the folder above it"):
        open_folder(settings(root / "red"))
