"""The tfds source: tf_flowers's own builder against a real HTTP server, and builders of our own."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core.download.checksums import UrlInfo
from tensorflow_datasets.datasets.tf_flowers import tf_flowers_dataset_builder as tf_flowers

from transfer_learning.config.params import Dataset, Folder, Rendered, Splits, Tfds
from transfer_learning.photos.dataset import DatasetInfo
from transfer_learning.runtime import downloads
from transfer_learning.runtime.errors import UserError
from transfer_learning.sources import tfds as tfds_source
from transfer_learning.sources.fetching import fetch
from transfer_learning.sources.source import Source
from transfer_learning.sources.tfds import check, open_tfds

FILE = "flower_photos.tgz"
CLASSES = ("dandelion", "daisy", "tulips", "sunflowers", "roses")
PER_CLASS = 9


def encode(shade: int, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (shade, 100, 200)).save(file, kind)
    return file.getvalue()


PHOTOS = {
    f"{name}/{label}{i}_photo.jpg": encode(label * 50 + i)
    for label, name in enumerate(CLASSES)
    for i in range(PER_CLASS)
}
MD5_ORDER = sorted(PHOTOS, key=lambda name: hashlib.md5(b"train" + name.encode()).hexdigest())
LICENCE = "All under CC-BY.\n\n" + "".join(f"{name} CC-BY by Ann Ä. - {name}\n" for name in PHOTOS)


def tgz() -> bytes:
    """An archive with the layout of flower_photos.tgz."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in {"LICENSE.txt": LICENCE.encode(), **PHOTOS}.items():
            member = tarfile.TarInfo(f"flower_photos/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


ARCHIVE = tgz()
HALF = ARCHIVE[: len(ARCHIVE) // 2]
# Seconds that a request may take.
LIMIT = 0.3
Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


def send(handler: http.server.BaseHTTPRequestHandler, body: bytes, length: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(body)


def whole(handler: http.server.BaseHTTPRequestHandler) -> None:
    send(handler, ARCHIVE, len(ARCHIVE))


def cut(handler: http.server.BaseHTTPRequestHandler) -> None:
    send(handler, HALF, len(ARCHIVE))


def reset(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.connection.close()


def silent(handler: http.server.BaseHTTPRequestHandler) -> None:
    time.sleep(3 * LIMIT)


def stalled(handler: http.server.BaseHTTPRequestHandler) -> None:
    cut(handler)
    silent(handler)


def page(handler: http.server.BaseHTTPRequestHandler) -> None:
    send(handler, b"<html>Log in</html>", 19)


def truncated(handler: http.server.BaseHTTPRequestHandler) -> None:
    send(handler, HALF, len(HALF))


def damaged(handler: http.server.BaseHTTPRequestHandler) -> None:
    send(handler, ARCHIVE[:-1] + bytes([ARCHIVE[-1] ^ 1]), len(ARCHIVE))


def status(code: int) -> Answer:
    return lambda handler: handler.send_error(code)


@dataclass
class Server:
    """Answers the requests one by one with ``answers``, and with the whole archive after them."""

    answers: list[Answer] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                (outer.answers.pop(0) if outer.answers else whole)(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.http.server_port}"

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()


def publish(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let TFDS's tf_flowers be our archive at the address, checksum and all."""
    url = f"{address}/example_images/flower_photos.tgz"
    info = UrlInfo(tfds.core.utils.Size(len(ARCHIVE)), hashlib.sha256(ARCHIVE).hexdigest(), FILE)
    monkeypatch.setattr(tf_flowers, "_URL", url)
    monkeypatch.setattr(tf_flowers.Builder, "url_infos", {url: info})
    return url


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(downloads, "WAITS", (0.0, 0.0))
    monkeypatch.setattr(downloads, "TIMEOUT", (LIMIT, LIMIT))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    server = Server()
    publish(server.address, monkeypatch)
    yield server
    server.stop()


def settings(folder: Path | None, name: str = "tf_flowers", *, try_gcs: bool = False) -> Tfds:
    return Tfds(name=name, data_dir=None if folder is None else str(folder), try_gcs=try_gcs)


def error_of(folder: Path, name: str = "tf_flowers", of: Callable = open_tfds) -> str:
    with pytest.raises(UserError) as caught:
        of(settings(folder, name))
    return str(caught.value)


def ids(source: Source) -> list[str]:
    return [photo.id for photo in source.photos]


def test_flowers_come_in_tfds_order_under_their_file_names(server: Server, tmp_path: Path) -> None:
    source = open_tfds(settings(tmp_path))

    assert source.classes == CLASSES
    assert ids(source) == MD5_ORDER
    assert all(source.classes[p.label] == p.id.split("/")[0] for p in source.photos)
    assert source.synthetic is False


def test_photos_keep_the_bytes_that_were_published(server: Server, tmp_path: Path) -> None:
    source = open_tfds(settings(tmp_path))

    encoded = {photo.id: content for photo, content in source.encoded()}

    assert encoded == PHOTOS


def test_the_order_is_that_of_the_slices_even_with_several_shards(
    server: Server, tmp_path: Path
) -> None:
    config = tfds.download.DownloadConfig(num_shards=2)
    builder = tfds.builder("tf_flowers", data_dir=tmp_path)
    builder.download_and_prepare(download_config=config)

    source = open_tfds(settings(tmp_path))

    assert len(builder.info.splits["train"].shard_lengths) == 2
    assert [(photo.id, content) for photo, content in source.encoded()] == [
        (name, PHOTOS[name]) for name in MD5_ORDER
    ]


def test_what_is_known_of_the_photos_is_kept_when_they_are_fetched(
    server: Server, tmp_path: Path
) -> None:
    dataset = Dataset(
        source="tfds",
        rendered=Rendered(images_per_class=1, seed=0),
        folder=Folder(path="photos", classes=None),
        tfds=settings(tmp_path / "tfds"),
        splits=Splits(train="train[25%:]", valid="train[10%:25%]", test="train[:10%]"),
    )
    (tmp_path / "tfds").mkdir()

    info = fetch(dataset, tmp_path / "dataset", work=tmp_path / "work")

    split = {name: [p.id for p in info.photos if p.split == name] for name in info.splits}
    # 10% and 25% of 45 are 4.5 and 11.25: rounded to the even one, and down.
    assert split["test"] == MD5_ORDER[:4]
    assert split["valid"] == MD5_ORDER[4:11]
    assert split["train"] == MD5_ORDER[11:]
    assert info.about["name"] == "tf_flowers"
    assert info.credits.keys() == PHOTOS.keys()
    assert info == DatasetInfo.read(tmp_path / "dataset")


def test_each_photographer_is_credited(server: Server, tmp_path: Path) -> None:
    source = open_tfds(settings(tmp_path))

    assert source.credits == {name: f"CC-BY by Ann Ä. - {name}" for name in PHOTOS}


def test_the_data_set_is_described(server: Server, tmp_path: Path) -> None:
    about = open_tfds(settings(tmp_path)).about

    assert about["name"] == "tf_flowers"
    assert about["version"] == "3.0.1"
    assert about["description"] == "A large set of images of flowers"
    assert about["homepage"] == "https://www.tensorflow.org/tutorials/load_data/images"
    assert 'title = "Flowers"' in about["citation"]
    assert about["features"] == (
        "image: Image(shape=(None, None, 3), dtype=uint8), "
        "label: ClassLabel(shape=(), dtype=int64, num_classes=5)"
    )
    assert about["splits"] == "train: 45"
    assert "licence" not in about
    assert str(tmp_path) not in str(about)


def test_a_prepared_folder_needs_no_network(server: Server, tmp_path: Path) -> None:
    first = open_tfds(settings(tmp_path))
    server.stop()

    second = open_tfds(settings(tmp_path))

    assert server.requests == ["/example_images/flower_photos.tgz"]
    assert (second.photos, second.credits, second.about) == (
        first.photos,
        first.credits,
        first.about,
    )


def test_without_the_archive_photos_go_by_tfds_ids(server: Server, tmp_path: Path) -> None:
    first = open_tfds(settings(tmp_path))
    shutil.rmtree(tmp_path / "downloads")

    source = open_tfds(settings(tmp_path))

    assert ids(source)[:2] == [
        f"{MD5_ORDER[i].split('/')[0]}/tf_flowers-train.tfrecord-00000-of-00001__{i}"
        for i in range(2)
    ]
    assert len(set(ids(source))) == len(PHOTOS)
    assert [photo.label for photo in source.photos] == [photo.label for photo in first.photos]
    assert [content for _, content in source.encoded()] == [PHOTOS[name] for name in MD5_ORDER]
    assert source.credits == {}


def test_an_archive_of_other_photos_gives_no_names(server: Server, tmp_path: Path) -> None:
    open_tfds(settings(tmp_path))
    (archive,) = (tmp_path / "downloads/tf_flowers").glob("*.tgz")
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("flower_photos/roses/1.jpg"))

    source = open_tfds(settings(tmp_path))

    assert "__0" in ids(source)[0]
    assert source.credits == {}


def test_a_damaged_archive_beside_a_prepared_folder_is_named(
    server: Server, tmp_path: Path
) -> None:
    open_tfds(settings(tmp_path))
    (archive,) = (tmp_path / "downloads/tf_flowers").glob("*.tgz")
    archive.write_bytes(HALF)

    message = error_of(tmp_path)

    assert str(archive) in message
    assert "delete it" in message


def test_an_archive_put_into_the_manual_folder_is_taken(server: Server, tmp_path: Path) -> None:
    server.stop()
    (tmp_path / "downloads/manual").mkdir(parents=True)
    (tmp_path / "downloads/manual" / FILE).write_bytes(ARCHIVE)

    source = open_tfds(settings(tmp_path))

    assert ids(source) == MD5_ORDER
    assert server.requests == []


def test_try_gcs_is_accepted_with_a_data_dir(server: Server, tmp_path: Path) -> None:
    assert ids(open_tfds(settings(tmp_path, try_gcs=True))) == MD5_ORDER


@pytest.mark.parametrize("bad", [status(503), status(429), cut, reset, silent, stalled])
def test_after_a_passing_failure_it_is_tried_again(
    bad: Answer, server: Server, tmp_path: Path
) -> None:
    server.answers = [bad, bad]

    source = open_tfds(settings(tmp_path))

    assert ids(source) == MD5_ORDER
    assert len(server.requests) == 3
    assert leftovers(tmp_path) == []


def leftovers(folder: Path) -> list[Path]:
    return [*folder.rglob("*.tmp.*"), *folder.rglob("incomplete.*")]


@pytest.mark.parametrize(
    ("answers", "requests", "words"),
    [
        ([status(503)] * 3, 3, "the server answered 503 Service Unavailable (3 tries)"),
        ([status(404)], 1, "the server answered 404 Not Found"),
        ([status(403)], 1, "the server answered 403 Forbidden"),
        ([cut] * 3, 3, f"{len(HALF)} bytes read"),
        ([reset] * 3, 3, "closed connection without response"),
        ([silent] * 3, 3, "timed out"),
        ([stalled] * 3, 3, "timed out"),
        ([page], 1, "size=19 bytes"),
        ([truncated], 1, f"size={tfds.core.utils.Size(len(HALF))}"),
        ([damaged], 1, "has wrong checksum"),
    ],
)
def test_a_lasting_failure_is_one_clear_error_and_harms_no_later_run(
    answers: list[Answer], requests: int, words: str, server: Server, tmp_path: Path
) -> None:
    server.answers = list(answers)

    message = error_of(tmp_path)

    assert len(server.requests) == requests
    assert f"{server.address}/example_images/flower_photos.tgz" in message
    assert words in message
    for remedy in ("Run it again", "http_proxy", "downloads/manual", "data_dir", "rendered"):
        assert remedy in message
    assert leftovers(tmp_path) == []
    assert ids(open_tfds(settings(tmp_path))) == MD5_ORDER


def test_a_refused_connection_is_one_clear_error_and_harms_no_later_run(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()

    message = error_of(tmp_path)

    assert "refused" in message
    assert leftovers(tmp_path) == []
    other = Server()
    publish(other.address, monkeypatch)
    assert ids(open_tfds(settings(tmp_path))) == MD5_ORDER
    other.stop()


def test_a_host_without_an_address_is_one_clear_error(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getaddrinfo(host: str, *_: object, **__: object) -> None:
        raise socket.gaierror(-2, f"Name or service not known: {host}")

    publish("http://flowers.invalid", monkeypatch)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    assert "Name or service not known: flowers.invalid" in error_of(tmp_path)


def test_a_proxy_is_used(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = publish("http://flowers.invalid", monkeypatch)
    monkeypatch.setenv("http_proxy", server.address)

    source = open_tfds(settings(tmp_path))

    assert ids(source) == MD5_ORDER
    assert server.requests == [url]


def test_what_a_killed_download_left_is_removed_once_it_is_old(
    server: Server, tmp_path: Path
) -> None:
    old = [
        tmp_path / "downloads/tf_flowers" / f"flowers.tgz.tmp.{'0' * 32}",
        tmp_path / "tf_flowers/incomplete.ABC123_3.0.1",
    ]
    young = tmp_path / "downloads/tf_flowers" / f"flowers.tgz.tmp.{'1' * 32}"
    for folder in (*old, young):
        folder.mkdir(parents=True)
        (folder / FILE).write_bytes(b"half")
    before = time.time() - 2 * tfds_source.STALE_SECONDS
    for path in old:
        os.utime(path / FILE, (before, before))
        os.utime(path, (before, before))

    open_tfds(settings(tmp_path))

    assert leftovers(tmp_path) == [young]


def test_flowers_are_counted_without_tensorflow_once_they_are_prepared(
    server: Server, tmp_path: Path
) -> None:
    code = (
        "import sys; from transfer_learning.config import params; "
        "from transfer_learning.sources import tfds; "
        f"flowers = params.Tfds(name='tf_flowers', data_dir={str(tmp_path)!r}); "
        "print(tfds.check(flowers), 'tensorflow' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    def run() -> str:
        return subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)

    before = run()
    open_tfds(settings(tmp_path))

    assert before == "None False\n"
    assert run() == "45 False\n"
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json", "tf_flowers-train"])
@pytest.mark.parametrize("of", [check, open_tfds])
def test_a_half_prepared_folder_is_named(
    of: Callable, name: str, server: Server, tmp_path: Path
) -> None:
    open_tfds(settings(tmp_path))
    folder = tmp_path / "tf_flowers/3.0.1"
    (file,) = folder.glob(f"{name}*")
    file.unlink()

    message = error_of(tmp_path, of=of)

    assert f"{folder} is only half of a prepared tf_flowers: {file.name} is missing" in message


def test_a_damaged_description_of_a_prepared_folder_is_named(
    server: Server, tmp_path: Path
) -> None:
    open_tfds(settings(tmp_path))
    file = tmp_path / "tf_flowers/3.0.1/dataset_info.json"
    file.write_bytes(file.read_bytes()[:400])

    assert "'tf_flowers': its dataset_info.json is damaged" in error_of(tmp_path, of=check)


def test_a_cut_file_of_a_prepared_folder_is_named(server: Server, tmp_path: Path) -> None:
    open_tfds(settings(tmp_path))
    folder = tmp_path / "tf_flowers/3.0.1"
    (file,) = folder.glob("tf_flowers-train*")
    file.write_bytes(file.read_bytes()[:-100])

    assert f"{folder} is damaged" in error_of(tmp_path)


class MadeUp(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A data set made up on the spot: ``features`` of ``examples`` of each split."""

    VERSION = tfds.core.Version("1.0.0")
    features: dict = {}
    supervised_keys: tuple | None = None
    examples: dict[str, list[dict]] = {}

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(self.features),
            supervised_keys=self.supervised_keys,
            redistribution_info={"license": "CC0"},
        )

    def _split_generators(self, _: object) -> dict:
        return {name: enumerate(examples) for name, examples in self.examples.items()}

    def _generate_examples(self, _: object) -> None: ...


def squares(*labels: int) -> list[dict]:
    pixels = np.zeros((4, 4, 1), np.uint8)
    return [{"image": pixels + i, "label": label} for i, label in enumerate(labels)]


class MadeUpSquares(MadeUp):
    features = {
        "image": tfds.features.Image(shape=(4, 4, 1)),
        "label": tfds.features.ClassLabel(names=["dark", "light"]),
    }
    examples = {"train": squares(0, 1, 1), "test": squares(0, 1)}


class MadeUpTwoLabels(MadeUpSquares):
    features = MadeUpSquares.features | {
        "size": tfds.features.ClassLabel(names=["small", "big"]),
        "mask": tfds.features.Image(shape=(4, 4, 1)),
    }
    supervised_keys = ("image", "label")
    examples = {
        "train": [e | {"size": 0, "mask": e["image"]} for e in MadeUpSquares.examples["train"]]
    }


class MadeUpAmbiguous(MadeUpTwoLabels):
    supervised_keys = None


class MadeUpBoxes(MadeUpSquares):
    features = {"image": tfds.features.Image(), "box": tfds.features.BBoxFeature()}


class MadeUpNoTrain(MadeUpSquares):
    examples = {"test": squares(0, 1)}


class MadeUpUnlabelled(MadeUpSquares):
    examples = {"train": squares(0, 1, -1)}


class MadeUpEmptyClass(MadeUpSquares):
    examples = {"train": squares(0, 0)}


class MadeUpManual(MadeUpSquares):
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Log in at squares.example and fetch squares.zip."

    def _split_generators(self, manager: tfds.download.DownloadManager) -> dict:
        return {"train": enumerate([manager.manual_dir])}


@pytest.mark.parametrize("name", ["made_up_squares", "made_up_two_labels"])
def test_any_data_set_of_images_with_one_class_each_is_read(name: str, tmp_path: Path) -> None:
    source = open_tfds(settings(tmp_path, name))

    assert source.classes == ("dark", "light")
    assert sorted(photo.label for photo in source.photos) == [0, 1, 1]
    contents = [content for _, content in source.encoded()]
    assert all(Image.open(io.BytesIO(content)).format == "PNG" for content in contents)
    assert len(set(contents)) == 3
    assert {photo.id for photo in source.photos} == {
        f"{source.classes[p.label]}/{name}-train.tfrecord-00000-of-00001__{i}"
        for i, p in enumerate(source.photos)
    }
    assert source.about["licence"] == "CC0"
    assert source.credits == {}


def test_only_train_is_counted(tmp_path: Path) -> None:
    open_tfds(settings(tmp_path, "made_up_squares"))

    assert check(settings(tmp_path, "made_up_squares")) == 3


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tf_flower", ["dataset.tfds.name is 'tf_flower'", "did you mean tf_flowers"]),
        ("zzzzzzzzzzz", ["dataset.tfds.name is 'zzzzzzzzzzz'", "does not know"]),
        ("tf_flowers:9.9.9", ["dataset.tfds.name is 'tf_flowers:9.9.9'", "only: 3.0.1"]),
        ("tf_flowers/big", ["dataset.tfds.name is 'tf_flowers/big'", "BuilderConfig big not"]),
        ("two words", ["dataset.tfds.name is 'two words'", "failed"]),
        ("kubric:movi", ["dataset.tfds.name is 'kubric:movi'", "community"]),
        ("huggingface:mnist", ["dataset.tfds.name is 'huggingface:mnist'", "community"]),
        ("made_up_boxes", ["dataset.tfds.name is 'made_up_boxes'", "box: BBox"]),
        ("made_up_ambiguous", ["dataset.tfds.name is 'made_up_ambiguous'", "size", "mask"]),
    ],
)
def test_a_wrong_name_is_found_without_a_network(
    name: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(socket, "socket")

    message = error_of(tmp_path, name, of=check)

    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("made_up_no_train", ["'made_up_no_train'", "no split train, only test"]),
        ("made_up_unlabelled", ["made_up_unlabelled-train", "has no label"]),
        ("made_up_empty_class", ["made_up_empty_class", "no photo of the class 'light'"]),
        ("made_up_manual", ["'made_up_manual'", "Log in at squares.example"]),
    ],
)
def test_a_data_set_that_cannot_be_used_is_named(
    name: str, words: list[str], tmp_path: Path
) -> None:
    message = error_of(tmp_path, name)

    for word in words:
        assert word in message


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_data_dir_that_is_no_folder_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("", "utf-8")

    message = error_of(Path(name), of=check)

    assert f"dataset.tfds.data_dir is {name!r}, which is no folder" in message


def test_without_a_data_dir_it_is_the_one_of_tfds(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))

    open_tfds(settings(None))

    assert (tmp_path / "tf_flowers/3.0.1/dataset_info.json").is_file()
