"""Hub modules over a real network on loopback: what arrives, what does not, and what is left."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import hub_server
import numpy as np
import pytest
from hostile_archives import ANSWERS, ARCHIVES, busy
from hub_server import (
    Answer,
    HubServer,
    archive,
    cut,
    files,
    hanging,
    link,
    redirect,
    status,
    whole,
)
from ruamel.yaml import YAML

from transfer_learning import backbones
from transfer_learning.backbones import archives, artifact, hub
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.params import Backbone
from transfer_learning.runtime import downloads
from transfer_learning.runtime.errors import UserError

PROJECT = Path(__file__).parents[1]
MODULE = "/google/tiny/feature_vector/4"


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return a feature-vector module's files by their paths."""
    return files(hub_server.save_module(tmp_path_factory.mktemp("module")))


@pytest.fixture(scope="session")
def good(module: dict[str, bytes]) -> bytes:
    """Return the archive of the module."""
    return archive(module)


@pytest.fixture
def server() -> Iterator[HubServer]:
    with hub_server.running() as server:
        yield server


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let tries follow at once and silence be short; keep the machine's own settings out."""
    monkeypatch.setattr(downloads, "WAITS", (0.0, 0.0))
    monkeypatch.setattr(downloads, "TIMEOUT", (0.5, 0.5))
    for name in list(os.environ):
        if name.startswith("TFHUB_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    # What is left behind where temporary files are would show.
    monkeypatch.setattr(hub.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the artifact goes."""
    return tmp_path / "artifact"


def fetch(handle: str, folder: Path, *, resolution: int = 32, sha256: str | None = None):
    return hub.fetch("mine", Backbone(handle=handle, resolution=resolution, sha256=sha256), folder)


def refused(handle: str, folder: Path, **options: object) -> str:
    """Return the error's message."""
    with pytest.raises(UserError) as caught:
        fetch(handle, folder, **options)
    return str(caught.value)


def features(folder: Path, info: BackboneInfo) -> np.ndarray:
    """Return what the artifact makes of three images, whose mean colours are known."""
    info.write(folder)
    colours = np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.25, 1]], np.float32)
    images = np.broadcast_to(colours[:, None, None], (3, 32, 32, 3))
    return np.asarray(backbones.load(folder)(images))


# Of these three colours: none, the kernel's first row, and 0.5 a + 0.25 b + c of its rows.
EXPECTED = [[0, 0, 0, 0, 0], [0, 1, 2, 3, 4], [11.25, 13, 14.75, 16.5, 18.25]]


# A good network


def test_a_module_is_kept_as_published_and_gives_its_features(
    server: HubServer, module: dict[str, bytes], good: bytes, folder: Path
) -> None:
    handle = server.serve(MODULE, whole(good))

    info = fetch(handle, folder)

    assert files(folder / "saved_model") == module
    listed = "".join(f"{hashlib.sha256(module[n]).hexdigest()}  {n}\n" for n in sorted(module))
    assert info == BackboneInfo(
        handle=handle,
        network="saved_model",
        resolution=32,
        features=5,
        parameters=15 + 3,
        sha256=hashlib.sha256(listed.encode()).hexdigest(),
        licence="as the handle's page states",
        multiply_adds=0,
        file_bytes=sum(map(len, module.values())),
    )
    np.testing.assert_allclose(features(folder, info), EXPECTED, atol=1e-4)
    assert server.requests == [f"{MODULE}?tf-hub-format=compressed"]


def test_a_redirect_is_followed(server: HubServer, good: bytes, folder: Path) -> None:
    server.serve("/archives/tiny.tar.gz", whole(good))
    handle = server.serve(MODULE, redirect(f"{server.address}/archives/tiny.tar.gz"))

    assert fetch(handle, folder).features == 5


def test_an_archive_without_compression_is_read_too(
    server: HubServer, module: dict[str, bytes], folder: Path
) -> None:
    handle = server.serve(MODULE, whole(archive(module, "w:")))

    fetch(handle, folder)

    assert files(folder / "saved_model") == module


def test_a_server_that_calls_gzip_an_encoding_of_the_transfer_changes_no_byte(
    server: HubServer, good: bytes, folder: Path
) -> None:
    def answer(request) -> None:
        request.send_response(200)
        request.send_header("Content-Encoding", "x-gzip")
        request.send_header("Content-Length", str(len(good)))
        request.end_headers()
        request.wfile.write(good)

    handle = server.serve(MODULE, answer)

    fetch(handle, folder, sha256=hashlib.sha256(good).hexdigest())


def test_the_sha256_may_be_the_archives_or_the_one_recorded(
    server: HubServer, good: bytes, folder: Path
) -> None:
    handle = server.serve(MODULE, whole(good))

    by_archive = fetch(handle, folder, sha256=hashlib.sha256(good).hexdigest())
    shutil.rmtree(folder)
    by_files = fetch(handle, folder, sha256=by_archive.sha256)

    assert by_files == by_archive


# A bad network: a few tries, then one error


def cut_in_compressed_header(module: dict[str, bytes]) -> tuple[bytes, int]:
    """Return a .tar.gz and the byte of it before which the first member is whole, with its end."""
    names = list(module)
    first = len(archive({names[0]: module[names[0]]}, "w:").rstrip(b"\0"))
    tar = archive(module, "w:")
    header = -(-first // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    packer = zlib.compressobj(wbits=31)
    begin = packer.compress(tar[:header]) + packer.flush(zlib.Z_SYNC_FLUSH)
    return begin + packer.compress(tar[header:]) + packer.flush(), len(begin)


@pytest.mark.parametrize("kind", [
    "503", "429", "cut", "cut silently", "cut at a header", "cut at a compressed header",
    "nothing", "hanging", "hanging midway", "damaged",
])  # fmt: skip
def test_what_passes_is_tried_again(
    kind: str, server: HubServer, module: dict[str, bytes], good: bytes, folder: Path
) -> None:
    tar = archive(module, "w:")
    header = tar.index(b"saved_model.pb\0")
    packed, packed_header = cut_in_compressed_header(module)
    first = {
        "503": status(503),
        "429": status(429),
        "cut": cut(good, len(good) // 2),
        "cut silently": cut(good, len(good) // 2, announced=False),
        "cut at a header": cut(tar, header, announced=False),
        "cut at a compressed header": cut(packed, packed_header, announced=False),
        "nothing": cut(good, 0, announced=False),
        "hanging": hanging(),
        "hanging midway": hanging(good, len(good) // 2),
        "damaged": whole(good[:2000] + bytes([good[2000] ^ 1]) + good[2001:]),
    }[kind]
    handle = server.serve(MODULE, first, whole(good))

    fetch(handle, folder)

    assert len(server.requests) == 2
    assert files(folder / "saved_model") == module


@pytest.mark.parametrize("mode", ["w:gz", "w:"])
def test_an_archive_cut_anywhere_is_never_taken_for_a_whole_one(
    mode: str, server: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "WAITS", ())
    contents = {"saved_model.pb": os.urandom(600), "variables/data": os.urandom(900)}
    body = archive(contents, mode)
    end = len(body) if mode == "w:gz" else len(body.rstrip(b"\0")) // 512 * 512

    for at in range(0, end, 96):
        handle = server.serve(MODULE, cut(body, at, announced=False))
        message = refused(handle, folder)
        shutil.rmtree(folder, ignore_errors=True)

        assert "incomplete or damaged" in message or "no .tar.gz" in message or "empty" in message


@pytest.mark.parametrize(
    ("kind", "tries", "words"),
    [
        ("404", 1, "the server answered 404 Not Found"),
        ("403", 1, "the server answered 403 Forbidden"),
        ("503", 3, "the server answered 503 Service Unavailable (3 tries)"),
        ("cut", 3, "IncompleteRead(1000 bytes read"),
        ("truncated", 3, "the archive is incomplete or damaged (3 tries)"),
        ("hanging", 3, "timed out (3 tries)"),
        ("page", 1, "no .tar.gz archive, but begins b'<!doctype html>"),
        ("outside", 1, "the archive is refused: ../evil would lie outside of it"),
        ("link", 1, "the archive is refused: variables is a link or a device"),
        ("hard link", 1, "the archive is refused: data is a link or a device"),
        ("device", 1, "the archive is refused: null is a link or a device"),
        ("other", 1, "it has no saved_model.pb at its top, but readme, weights.h5"),
        ("nested", 1, "it has no saved_model.pb at its top, but tiny"),
        ("empty", 1, "it has no saved_model.pb at its top, but nothing"),
        ("loop", 1, "Exceeded 30 redirects"),
    ],
)
def test_what_does_not_pass_is_one_error_and_the_next_run_succeeds(
    kind: str,
    tries: int,
    words: str,
    server: HubServer,
    module: dict[str, bytes],
    good: bytes,
    folder: Path,
    tmp_path: Path,
) -> None:
    bad = {
        "404": status(404),
        "403": status(403),
        "503": status(503),
        "cut": cut(good, 1000),
        "truncated": whole(good[:-8]),
        "hanging": hanging(),
        "page": whole(b"<!doctype html><title>Sign in</title>" * 40, "text/html"),
        "outside": whole(archive({"../evil": b"evil"} | module)),
        "link": whole(archive({"variables": link("variables", "../..")} | module)),
        "hard link": whole(archive(module | {"data": link("data", "a", tarfile.LNKTYPE)})),
        "device": whole(archive({"null": link("null", "", tarfile.CHRTYPE)} | module)),
        "other": whole(archive({"weights.h5": b"h5", "readme": b""})),
        "nested": whole(archive({f"tiny/{name}": data for name, data in module.items()})),
        "empty": whole(archive({})),
        "loop": redirect(f"{server.address}{MODULE}"),
    }[kind]
    handle = server.serve(MODULE, bad)

    message = refused(handle, folder)

    assert f"{handle} could not be fetched" in message
    assert words in message
    for remedy in ("mirror", "path of the unpacked SavedModel", "TFHUB_CACHE_DIR", "pypi:"):
        assert remedy in message
    assert len(server.requests) == (31 if kind == "loop" else tries)
    # Nothing is left outside of the artifact's folder, where evil would lie too.
    assert {path.name for path in tmp_path.iterdir()} <= {"temporary", "artifact"}
    assert list((tmp_path / "temporary").iterdir()) == []

    shutil.rmtree(folder, ignore_errors=True)
    server.serve(MODULE, whole(good))
    assert fetch(handle, folder).features == 5


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a file of 1 TB", "it unpacks to more than 4,294,967,296 bytes"),
        ("sparse, GNU", "hole is a sparse file"),
        ("sparse, PAX 0.1", "hole is a sparse file"),
        ("3,000 folders deep", "longer than 255 bytes"),
        ("100 folders deep", "in more than 16 folders"),
        ("a name that is no UTF-8", r"'caf\udce9' in it is no name"),
        ("a name with a zero", r"'a\x00b' in it is no name"),
        ("a PAX header of digits", "a header in it is larger than 16,384 bytes"),
        ("2,000 PAX headers in a row", "a header in it is larger than 16,384 bytes"),
        ("a size below 0", "incomplete or damaged (3 tries)"),
        ("a time without end", "no saved_model.pb at its top, but file"),
        ("come back in 30 years", "and asks for more than 120 s of patience"),
    ],
)
def test_a_hostile_archive_or_answer_is_one_line_and_leaves_nothing(
    name: str, words: str, server: HubServer, folder: Path, tmp_path: Path
) -> None:
    answer = whole(ARCHIVES[name]()) if name in ARCHIVES else ANSWERS[name]
    handle = server.serve(MODULE, answer)

    message = refused(handle, folder)

    expect_one_line_and_nothing_left(message, handle, words, tmp_path)


@pytest.mark.parametrize(
    ("limited", "limit", "value", "answer", "words"),
    [
        (hub, "MOST_BYTES", 10**6, ANSWERS["an endless answer"], "larger than 1,000,000 bytes"),
        (hub, "MOST_BYTES", 10**6, ANSWERS["an answer of 1 TB"], "larger than 1,000,000 bytes"),
        (hub, "MOST_SECONDS", 0.7, ANSWERS["a byte now and then"], "longer than 0.7 s"),
        (hub, "MOST_SECONDS", 0.7, ANSWERS["headers that trickle"], "longer than 0.7 s"),
        (hub, "MOST_SECONDS", 0.7, ANSWERS["100 Continue for ever"], "longer than 0.7 s"),
        (archives, "MOST_BYTES", 999, whole(archive({"a": b"a" * 500, "b": b""})), "999 bytes"),
        (archives, "MOST_MEMBERS", 2, whole(archive(dict.fromkeys("abc", b""))), "2 members"),
    ],
    ids=["endless", "announced", "trickle", "headers", "continue", "unpacked", "members"],
)
def test_each_limit_is_named_and_leaves_nothing(
    limited: ModuleType,
    limit: str,
    value: float,
    answer: Answer,
    words: str,
    server: HubServer,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limited, limit, value)
    handle = server.serve(MODULE, answer)

    message = refused(handle, folder)

    expect_one_line_and_nothing_left(message, handle, words, tmp_path)
    assert len(server.requests) == 1


def expect_one_line_and_nothing_left(message: str, handle: str, words: str, tmp_path: Path) -> None:
    assert message.startswith(f"{handle} could not be fetched: ")
    assert words in message
    assert "backbones.mine.handle be a mirror's https:// address or the path" in message
    assert message.isprintable()
    assert [path for path in tmp_path.rglob("*") if path.name != "temporary"] == []


def test_a_busy_server_is_given_the_time_it_asks_for(
    server: HubServer, good: bytes, folder: Path
) -> None:
    handle = server.serve(MODULE, busy("1"), whole(good))
    start = time.monotonic()

    fetch(handle, folder)

    assert time.monotonic() - start >= 1


def test_a_refused_connection_is_one_error_and_the_next_run_succeeds(
    good: bytes, folder: Path
) -> None:
    with hub_server.running() as server:
        port = server.server_port
    message = refused(f"http://127.0.0.1:{port}{MODULE}", folder)

    assert "Connection refused (3 tries)" in message


def test_an_unknown_host_is_one_error(folder: Path) -> None:
    handle = f"https://no-such-hub.invalid{MODULE}"

    message = refused(handle, folder)

    assert f"{handle} could not be fetched" in message
    assert "(3 tries)" in message


def test_another_sha256_is_refused_with_the_ones_found(
    server: HubServer, good: bytes, folder: Path
) -> None:
    handle = server.serve(MODULE, whole(good))

    message = refused(handle, folder, sha256="0" * 64)

    assert f"backbones.mine.sha256 is {'0' * 64}" in message
    assert hashlib.sha256(good).hexdigest() in message
    assert artifact.files_sha256(folder / "saved_model") in message


# Modules that are whole and do not fit


def test_another_resolution_says_what_the_module_takes(
    server: HubServer, good: bytes, folder: Path
) -> None:
    message = refused(server.serve(MODULE, whole(good)), folder, resolution=48)

    assert "does not take 48 × 48 images" in message
    assert "its input is float32 (None, 32, 32, 3)" in message


def test_a_feature_map_is_refused(server: HubServer, folder: Path, tmp_path: Path) -> None:
    module = files(hub_server.save_module(tmp_path / "map", head=lambda images: images))
    handle = server.serve(MODULE, whole(archive(module)))

    message = refused(handle, folder)

    assert f"{handle} returns float32 (2, 32, 32, 5) for two images" in message
    assert "feature_vector" in message


def test_a_module_of_the_old_format_is_refused(
    server: HubServer, module: dict[str, bytes], folder: Path
) -> None:
    handle = server.serve(MODULE, whole(archive(module | {"tfhub_module.pb": b"\x08\x03"})))

    assert "old format, of TensorFlow 1" in refused(handle, folder)


# Proxies


def test_a_proxy_is_used(
    server: HubServer, good: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.serve(MODULE, whole(good))
    monkeypatch.setenv("http_proxy", server.address)

    fetch(f"http://hub.example{MODULE}", folder)

    assert server.requests == [f"http://hub.example{MODULE}?tf-hub-format=compressed"]


def test_no_proxy_is_heeded(
    server: HubServer, good: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    fetch(server.serve(MODULE, whole(good)), folder)

    assert server.requests == [f"{MODULE}?tf-hub-format=compressed"]


def test_a_proxy_that_is_away_is_one_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_server.running() as server:
        address = server.address
    monkeypatch.setenv("https_proxy", address)

    message = refused(f"https://hub.example{MODULE}", folder)

    assert "the proxy: Connection refused (3 tries)" in message


# TFHUB_CACHE_DIR


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path / "cache"
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(cache))
    return cache


def fill(cache: Path, handle: str, module: dict[str, bytes]) -> Path:
    """Fill the cache as README.md says to."""
    target = cache / hashlib.sha1(handle.encode()).hexdigest()
    for name, content in module.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(content)
    return target


def test_tensorflow_hubs_own_cache_is_enough_without_a_network(
    good: bytes, module: dict[str, bytes], folder: Path, cache: Path
) -> None:
    import tensorflow_hub

    variables = tarfile.TarInfo("variables")
    variables.type = tarfile.DIRTYPE
    with hub_server.running() as server:
        handle = server.serve(MODULE, whole(archive({"variables": variables} | module)))
        tensorflow_hub.resolve(handle)

    info = fetch(handle, folder)

    assert files(folder / "saved_model") == module
    np.testing.assert_allclose(features(folder, info), EXPECTED, atol=1e-4)


def test_a_module_is_the_same_by_whatever_way_it_came(
    server: HubServer, good: bytes, module: dict[str, bytes], tmp_path: Path, cache: Path
) -> None:
    handle = server.serve(MODULE, whole(good))
    downloaded = fetch(handle, tmp_path / "one")
    fill(cache, handle, module)
    server.serve(MODULE, status(404))

    cached = fetch(handle, tmp_path / "two", sha256=downloaded.sha256)

    assert cached == downloaded


DATA = "variables/variables.data-00000-of-00001"
DAMAGE = {
    "no graph": lambda target: (target / "saved_model.pb").unlink(),
    "no variables": lambda target: shutil.rmtree(target / "variables"),
    "no values": lambda target: (target / DATA).unlink(),
    "no index": lambda target: (target / "variables/variables.index").unlink(),
    "half the values": lambda target: os.truncate(target / DATA, 60),
    "half the graph": lambda target: os.truncate(target / "saved_model.pb", 9000),
    "changed values": lambda target: (target / DATA).write_bytes(b"\x55" * 541),
    "empty files": lambda target: [os.truncate(target / name, 0) for name in files(target)],
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_cache_is_noticed_left_alone_and_replaced_by_a_download(
    kind: str,
    server: HubServer,
    good: bytes,
    module: dict[str, bytes],
    folder: Path,
    cache: Path,
) -> None:
    handle = server.serve(MODULE, status(404))
    target = fill(cache, handle, module)
    DAMAGE[kind](target)
    before = files(cache)

    message = refused(handle, folder)
    server.serve(MODULE, whole(good))
    info = fetch(handle, folder)

    assert f"the copy in TFHUB_CACHE_DIR ({target}) cannot be used" in message
    assert "the server answered 404 Not Found" in message
    assert files(folder / "saved_model") == module
    assert info.features == 5
    assert files(cache) == before


def test_a_whole_cache_that_is_not_the_one_of_the_sha256_is_replaced_by_a_download(
    server: HubServer,
    good: bytes,
    module: dict[str, bytes],
    folder: Path,
    cache: Path,
    tmp_path: Path,
) -> None:
    other = files(hub_server.save_module(tmp_path / "other", head=lambda i: -i[:, 0, 0]))
    handle = server.serve(MODULE, whole(good))
    fill(cache, handle, other)

    fetch(handle, folder, sha256=hashlib.sha256(good).hexdigest())

    assert files(folder / "saved_model") == module


def test_a_cached_module_that_does_not_fit_is_not_fetched_again(
    server: HubServer, module: dict[str, bytes], folder: Path, cache: Path
) -> None:
    handle = server.serve(MODULE, status(404))
    fill(cache, handle, module)

    message = refused(handle, folder, resolution=48)

    assert "does not take 48 × 48 images" in message
    assert server.requests == []


def test_a_lock_that_a_killed_download_left_is_waited_for_by_none(
    server: HubServer, good: bytes, folder: Path, cache: Path
) -> None:
    handle = server.serve(MODULE, whole(good))
    cache.mkdir()
    name = hashlib.sha1(handle.encode()).hexdigest()
    (cache / f"{name}.lock").write_text("host.1.abc")
    (cache / f"{name}.abc.tmp").mkdir()

    info = fetch(handle, folder)

    assert info.features == 5
    assert {path.name for path in cache.iterdir()} == {f"{name}.lock", f"{name}.abc.tmp"}


def test_modules_that_would_stay_at_their_host_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFHUB_MODEL_LOAD_FORMAT", "UNCOMPRESSED")

    assert "TFHUB_MODEL_LOAD_FORMAT is UNCOMPRESSED" in refused(
        f"https://tfhub.dev{MODULE}", folder
    )


# The stage


@pytest.mark.slow
def test_a_killed_or_interrupted_stage_leaves_nothing_and_the_next_run_succeeds(
    server: HubServer,
    good: bytes,
    module: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    handle = server.serve(MODULE, hanging(good, len(good) // 2))
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load(PROJECT / "params.yaml") | {
        "resolutions": [32],
        "backbones": {"mine": {"handle": handle, "resolution": 32}},
        "selected": "mine",
    }
    yaml.dump(params, tmp_path / "params.yaml")
    artifact = tmp_path / "data" / "backbones" / "mine"
    path = os.pathsep.join([str(PROJECT / "src"), str(PROJECT)])
    killed, interrupted = (
        subprocess.Popen(
            [sys.executable, "-m", "stages.backbone", "mine"],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": path},
            stderr=subprocess.PIPE, text=True,
            # Where the tests run in the background, their shell has Ctrl-C ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        for _ in range(2)
    )  # fmt: skip

    while len(server.requests) < 2 and killed.poll() is interrupted.poll() is None:
        time.sleep(0.02)
    killed.kill()
    interrupted.send_signal(signal.SIGINT)
    killed.communicate(timeout=60)
    _, errors = interrupted.communicate(timeout=60)

    assert (killed.returncode, interrupted.returncode) == (-signal.SIGKILL, 130), errors
    assert "interrupted: nothing of this stage is kept" in errors
    assert not artifact.exists()

    server.serve(MODULE, whole(good))
    monkeypatch.syspath_prepend(PROJECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stages/backbone.py", "mine"])
    importlib.import_module("stages.backbone").main()

    assert "backbone@mine: saved_model, 18 parameters" in capsys.readouterr().out
    assert files(artifact / "saved_model") == module
    assert BackboneInfo.read(artifact).multiply_adds == hub_server.KERNEL.size
    kept = {path.name for path in artifact.iterdir()}
    assert kept == {"backbone.json", "frozen.pb", "saved_model"}
