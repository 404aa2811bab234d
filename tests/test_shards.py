"""Photos in archives, in a bucket and in a list: the same ids and bytes as those in a folder."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import re
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest
from test_fetching import files_of, good_photos, jpeg, png, settings

from transfer_learning.config.params import Folder
from transfer_learning.runtime.errors import UserError
from transfer_learning.sources import fetching, storage
from transfer_learning.sources.folder import manifest, open_folder, scan
from transfer_learning.sources.scan import LARGEST

Files = Mapping[str, bytes]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = good_photos(tmp_path / "photos")
    (root / "daisy" / "2024").mkdir()
    (root / "daisy" / "2024" / "May 1.jpg").write_bytes(jpeg(201))
    (root / "roses" / "no suffix").write_bytes(png(9))
    (root / "roses" / "notes.txt").write_bytes(b"no photo")
    (root / "daisy" / "cut.jpg").write_bytes(jpeg(9, size=(200, 200))[:-300])
    (root / "LICENSE.txt").write_text("daisy/1.jpg by somebody\n")
    return root


def contents(root: Path) -> dict[str, bytes]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def tar(path: Path, files: Files, *odd: tarfile.TarInfo) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for entry in odd:
            archive.addfile(entry)
    return path


def zipped(path: Path, files: Files) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, content) in enumerate(files.items()):
            stored = zipfile.ZIP_STORED if number % 2 else None
            archive.writestr(name, content, stored)
    return path


def halves(files: Files) -> list[dict[str, bytes]]:
    names = list(files)
    return [{name: files[name] for name in names[half::2]} for half in (0, 1)]


def two_tars(folder: Path, files: Files) -> str:
    for number, half in enumerate(halves(files)):
        tar(folder / f"{number:05d}.tar", half)
    return str(folder)


def one_zip(folder: Path, files: Files) -> str:
    return str(zipped(folder / "Photos.ZIP", files))


def tar_of_one_folder(folder: Path, files: Files) -> str:
    return str(tar(folder / "x.tar", {f"./my photos/{name}": files[name] for name in files}))


def tar_and_zip(folder: Path, files: Files) -> str:
    first, second = halves(files)
    tar(folder / "a.tar", first)
    zipped(folder / "b.zip", second)
    return str(folder)


def webdataset(folder: Path, files: Files) -> str:
    """Samples KEY.jpg + KEY.cls or KEY.json, with a caption; the photos' keys are their paths."""
    samples: dict[str, bytes] = {}
    for number, (name, content) in enumerate(files.items()):
        label, _, rest = name.partition("/")
        samples[rest or name] = content
        if rest:
            key = rest.split(".")[0]
            cls = {f"{key}.cls": label.encode()}
            samples |= (cls, {f"{key}.json": json.dumps({"label": label}).encode()})[number % 2]
            samples[f"{key}.txt"] = b"a caption"
    return str(tar(folder / "00000.tar", samples))


def bucket(folder: Path, files: Files) -> str:
    url = f"memory://{folder.name}/photos"
    for name, content in files.items():
        fsspec.filesystem("memory").pipe(f"{url}/{name}", content)
    return url


def bucket_of_tars(folder: Path, files: Files) -> str:
    two_tars(folder, files)
    return bucket(folder, contents(folder))


LAYOUTS = [two_tars, one_zip, tar_of_one_folder, tar_and_zip, bucket, bucket_of_tars]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_photos_are_fetched_to_the_same_bytes_wherever_they_lie(
    layout: Callable[[Path, Files], str], photos: Path, tmp_path: Path
) -> None:
    packed = settings(photos).model_copy(
        update={
            "folder": Folder(
                path=layout(tmp_path / layout.__name__, contents(photos)), classes=None
            )
        }
    )

    info = fetching.fetch(packed, tmp_path / "packed", work=tmp_path / "work")

    fetching.fetch(settings(photos), tmp_path / "plain", work=tmp_path / "work")
    assert files_of(tmp_path / "packed") == files_of(tmp_path / "plain")
    assert info.credits == {"daisy/1.jpg": "by somebody"}
    assert {item.id for item in info.rejected} == {"daisy/cut.jpg", "roses/notes.txt"}


def test_samples_of_webdataset_have_their_class_in_a_file_of_their_own(
    photos: Path, tmp_path: Path
) -> None:
    # Keys are unique in a shard.
    files = {
        f"{name[:5]}/{name.replace('/', '-')}": file for name, file in contents(photos).items()
    }
    del files["LICEN/LICENSE.txt"], files["roses/roses-notes.txt"], files["roses/roses-no suffix"]

    source = open_folder(Folder(path=webdataset(tmp_path / "shards", files), classes=None))

    assert source.classes == ("daisy", "roses")
    assert {photo.id: read for photo, read in source.encoded()} == files
    assert source.left_out == ()


def test_a_class_that_is_a_number_is_a_position_in_the_classes(tmp_path: Path) -> None:
    files = {"a.jpg": jpeg(1), "a.cls": b"1\n", "b.jpg": jpeg(2), "b.cls": b"0", "c.jpg": jpeg(3)}
    path = str(tar(tmp_path / "x.tar", files))

    named = open_folder(Folder(path=path, classes=["roses", "daisy"]))
    numbered = open_folder(Folder(path=path, classes=None))

    assert {photo.id: photo.label for photo in named.photos} == {"daisy/a.jpg": 1, "roses/b.jpg": 0}
    assert {photo.id for photo in numbered.photos} == {"1/a.jpg", "0/b.jpg"}
    assert [item.id for item in named.left_out] == ["c.jpg"]


def entry(name: str, kind: bytes = tarfile.REGTYPE, **values: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    for key, value in values.items():
        setattr(made, key, value)
    return made


GOOD = {"a/1.png": png(1), "b/1.png": png(2)}


def test_what_cannot_be_a_photo_in_an_archive_is_left_out_with_the_reason(tmp_path: Path) -> None:
    odd = {
        "../x.png": png(3),
        "/abs/x.png": png(3),
        "a/../b/x.png": png(3),
        "top.png": png(3),
        "a/notes.txt": b"no photo",
        "a/caf\udce9.png": png(3),
        "a/._1.png": png(3),
        "__MACOSX/a/1.png": png(3),
        ".DS_Store": b"",
        "README.md": b"about",
    }
    path = tar(
        tmp_path / "x.tar",
        GOOD | odd,
        entry("a/soft.png", tarfile.SYMTYPE, linkname="1.png"),
        entry("a/hard.png", tarfile.LNKTYPE, linkname="a/1.png"),
        entry("a/zero.png", tarfile.CHRTYPE),
        entry("a/pipe.png", tarfile.FIFOTYPE),
    )
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive:
        link = zipfile.ZipInfo("b/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "../../etc/passwd")
        archive.writestr("b/..\\x.png", png(3))
        archive.writestr("b/packed.png", png(3), zipfile.ZIP_BZIP2)

    found = scan(Folder(path=str(path.parent), classes=None))

    reasons = {item.id: item.reason for item in found.left_out}
    outside = "its path leads out of the folder; give it one like CLASS/PHOTO.jpg"
    link_reason = "a link; put the photo itself into the archive"
    assert {photo.id for photo in found.photos} == set(GOOD)
    assert {name: reason for name, reason in reasons.items() if "notes" not in name} == {
        "../x.png": outside,
        "/abs/x.png": outside,
        "a/../b/x.png": outside,
        "top.png": "it lies beside the class folders, in none of them",
        "a/caf\\xe9.png": "its name is not UTF-8; rename it",
        "a/soft.png": link_reason,
        "a/hard.png": link_reason,
        "b/link.png": link_reason,
        "a/zero.png": "no file, but a pipe, a device or one with holes",
        "a/pipe.png": "no file, but a pipe, a device or one with holes",
        "b/packed.png": "it is compressed by method 12, not by deflate",
    }
    assert reasons["a/notes.txt"].startswith("not one of JPEG, PNG")


def test_a_huge_file_in_an_archive_is_left_out(tmp_path: Path) -> None:
    path = tar(tmp_path / "x.tar", GOOD)
    with path.open("r+b") as file:
        # After two headers and two blocks.
        file.seek(4 * tarfile.BLOCKSIZE)
        file.write(entry("a/huge.png", size=LARGEST + 1).tobuf())
        file.truncate(file.tell() + LARGEST + 512)

    found = scan(Folder(path=str(path), classes=None))

    assert {photo.id for photo in found.photos} == set(GOOD)
    assert [item.reason[:6] for item in found.left_out] == ["it has"]


def cut(content: bytes) -> bytes:
    return content[:1800]


def no_header(content: bytes) -> bytes:
    return content[:1536] + b"\x07" * 512 + content[2048:]


def noise(content: bytes) -> bytes:
    return b"x" * len(content)


@pytest.mark.parametrize(
    ("make", "damage"),
    [
        (tar, cut),
        (tar, no_header),
        (zipped, cut),
        (tar, noise),
        (zipped, noise),
    ],
)
def test_a_damaged_archive_is_named(
    make: Callable[[Path, Files], Path], damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = make(
        tmp_path / ("x.tar" if make is tar else "x.zip"), {f"a/{i}": jpeg(i) for i in range(9)}
    )
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(UserError, match=rf"{path.name} is damaged \(.*\); copy or make it again"):
        scan(Folder(path=str(tmp_path), classes=None))


def test_a_photo_damaged_in_a_zip_is_rejected(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", GOOD)
    content = bytearray(path.read_bytes())
    content[content.index(b"1.png") + 9] ^= 255
    path.write_bytes(content)

    read = {
        photo.id: read
        for photo, read in open_folder(Folder(path=str(path), classes=None)).encoded()
    }

    assert read == {"a/1.png": f"it is damaged in {path}", "b/1.png": GOOD["b/1.png"]}


def test_classes_that_are_asked_for_are_all_that_is_taken_from_an_archive(tmp_path: Path) -> None:
    path = str(tar(tmp_path / "x.tar", GOOD | {"c/1.png": png(5), "c/x.txt": b"no photo"}))

    found = open_folder(Folder(path=path, classes=["b", "a"]))

    assert {photo.id: photo.label for photo in found.photos} == {"b/1.png": 0, "a/1.png": 1}
    assert found.left_out == ()
    with pytest.raises(UserError, match=r"classes has 'pink', which is no class in '.*x\.tar'"):
        open_folder(Folder(path=path, classes=["a", "pink"]))


def error_of(path: object) -> str:
    with pytest.raises(UserError) as caught:
        open_folder(Folder(path=str(path), classes=None))
    return str(caught.value)


def test_a_photo_in_two_archives_is_named(tmp_path: Path) -> None:
    tar(tmp_path / "x.tar", GOOD)
    zipped(tmp_path / "y.zip", {"a/1.png": png(9)})

    assert "x.tar and " in (said := error_of(tmp_path))
    assert "y.zip both hold 'a/1.png'; rename or remove one" in said


def test_an_archive_compressed_as_a_whole_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"\x1f\x8b")

    for path in (tmp_path, tmp_path / "x.tar.gz"):
        said = error_of(path)
        assert "x.tar.gz is compressed as a whole" in said
        assert "unpack it, or make it a plain .tar" in said


def test_an_archive_beside_class_folders_is_left_out(tmp_path: Path) -> None:
    good_photos(tmp_path)
    zipped(tmp_path / "photos.zip", GOOD)

    found = scan(Folder(path=str(tmp_path), classes=None))

    assert found.classes == ("daisy", "roses")
    assert [item.id for item in found.left_out] == ["photos.zip"]


def test_the_manifest_sees_a_photo_changed_in_an_archive_or_a_bucket(tmp_path: Path) -> None:
    shards = Folder(path=two_tars(tmp_path / "shards", GOOD), classes=None)
    stored = Folder(path=bucket(tmp_path, GOOD), classes=None)
    before = [manifest(shards), manifest(stored)]
    assert before == [manifest(shards), manifest(stored)]
    assert json.loads(before[0]).keys() == {"00000.tar", "00001.tar"}
    assert json.loads(before[1]).keys() == set(GOOD)

    two_tars(tmp_path / "shards", GOOD | {"a/1.png": png(77)})
    bucket(tmp_path, GOOD | {"a/1.png": png(77)})

    assert all(
        new != old for new, old in zip([manifest(shards), manifest(stored)], before, strict=True)
    )


class Quiet(SimpleHTTPRequestHandler):
    """Answers for a range of a file too, as stores do."""

    def do_GET(self) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        file = Path(self.translate_path(self.path))
        if asked is None or not file.is_file():
            return super().do_GET()
        first, whole = int(asked[1]), file.read_bytes()
        content = whole[first : int(asked[2] or len(whole)) + 1]
        self.send_response(206)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Range", f"bytes {first}-{first + len(content) - 1}/{len(whole)}")
        self.end_headers()
        self.wfile.write(content)
        return None

    def end_headers(self) -> None:
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serve the temporary folder on loopback."""
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def listing(path: Path, rows: list[str], header: str = "id,url") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_list_gives_photos_their_ids_whatever_their_urls(server: str, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for number, content in enumerate(GOOD.values()):
        (tmp_path / "files" / f"{number}").write_bytes(content)
    known = hashlib.md5(GOOD["a/1.png"]).hexdigest()
    path = listing(
        tmp_path / "photos.csv",
        [
            f"a/1.png,{server}/files/0,{known}",
            "b/1.png,files/1,",
            f"a/wrong.png,{server}/files/1,{known}",
            f"a/none.png,{server}/files/9,",
        ],
        "id,url,md5",
    )

    source = open_folder(Folder(path=str(path), classes=None))
    read = {photo.id: read for photo, read in source.encoded()}

    assert source.classes == ("a", "b")
    assert read == GOOD | {
        "a/wrong.png": f"{server}/files/1 has other bytes than its md5 says",
        "a/none.png": f"there is no {server}/files/9",
    }
    before = manifest(Folder(path=str(path), classes=None))
    (tmp_path / "files" / "1").write_bytes(png(66))
    assert manifest(Folder(path=str(path), classes=None)) != before


def test_an_archive_at_a_url_is_read_in_pieces(server: str, photos: Path, tmp_path: Path) -> None:
    zipped(tmp_path / "photos.zip", contents(photos))

    found = open_folder(Folder(path=f"{server}/photos.zip", classes=None))

    plain = open_folder(Folder(path=str(photos), classes=None))
    assert dict(found.encoded()) == dict(plain.encoded())


@pytest.mark.parametrize(
    ("rows", "header", "said"),
    [
        (["a/1.png,x"], "name,url", "line 1 is 'name,url', but should be id,url or id,url,md5"),
        (["1.png,x"], "id,url", "line 2: id is '1.png'; give it as CLASS/FILE"),
        (["a/../1.png,x"], "id,url", "line 2: id is 'a/../1.png'; give it as CLASS/FILE"),
        (["a/1.png,"], "id,url", "line 2: 'a/1.png' has no url"),
        (["a/1.png,x", "a/1.png,y"], "id,url", "line 3: 'a/1.png' is there twice"),
        (["a/1.png,x,y"], "id,url", "line 2: it has too many columns"),
        (['a/1.png,"x'], "id,url", "line 2: unexpected end of data"),
    ],
)
def test_a_wrong_line_of_a_list_is_named(
    rows: list[str], header: str, said: str, tmp_path: Path
) -> None:
    path = listing(tmp_path / "photos.csv", rows, header)

    assert f"photos.csv: {said}" in error_of(path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory://nothing/here", "which has no file below it; give what holds a folder per class"),
        ("nonsense://x/y", "nonsense://x: Protocol not known: nonsense"),
        ("http://127.0.0.1:9/photos.zip", "photos.zip cannot be read"),
        ("http://127.0.0.1:9/photos.csv", "photos.csv cannot be read"),
    ],
)
def test_a_url_that_cannot_be_listed_is_named(url: str, said: str) -> None:
    assert said in error_of(url)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of an S3 server on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    storage._system.cache_clear()
    fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
    yield "s3://bucket"
    storage._system.cache_clear()
    server.stop()


@pytest.mark.slow
def test_photos_of_a_bucket_are_those_of_the_folder(s3: str, photos: Path, tmp_path: Path) -> None:
    store = fsspec.filesystem("s3", skip_instance_cache=True)
    for name, content in contents(photos).items():
        store.pipe(f"{s3}/photos/{name}", content)
    two_tars(tmp_path / "tars", contents(photos))
    store.put(str(tmp_path / "tars"), f"{s3}/tars", recursive=True)
    plain = open_folder(Folder(path=str(photos), classes=None))

    for url in (f"{s3}/photos", f"{s3}/tars/", f"{s3}/tars/00000.tar"):
        found = open_folder(Folder(path=url, classes=None))
        read = dict(found.encoded())
        assert read.items() <= dict(plain.encoded()).items()
        assert (len(read) == len(plain.photos)) == (not url.endswith(".tar"))
    before = manifest(Folder(path=f"{s3}/photos", classes=None))
    store.pipe(f"{s3}/photos/daisy/1.jpg", jpeg(99))
    storage._system.cache_clear()
    assert "daisy/1.jpg" in before
    fsspec.filesystem("s3").clear_instance_cache()
    assert manifest(Folder(path=f"{s3}/photos", classes=None)) != before
    with pytest.raises(UserError, match=r"'s3://none/x', which cannot be listed: .*bucket"):
        open_folder(Folder(path="s3://none/x", classes=None))


def test_a_bucket_whose_package_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", refuse)
    storage._system.cache_clear()

    said = error_of("s3://bucket/photos")

    assert "s3://bucket needs a package that is not installed: Install s3fs" in said
    assert "make setup EXTRA=ray" in said
