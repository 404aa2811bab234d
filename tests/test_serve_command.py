"""`transfer-learning serve` as a process: how it begins, how it ends, and its answers' digits."""

from __future__ import annotations

import argparse
import errno
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from exports import CLASSES, PHOTOS
from photo_kinds import DEEP, KINDS

from transfer_learning.classifier.classifier import Classifier, Refused
from transfer_learning.commands import serve
from transfer_learning.runtime.errors import UserError

MAIN = "from transfer_learning.commands.main import main; main()"
GOOD = KINDS["baseline JPEG"]


def command(*arguments: object, before: str = "") -> list[str]:
    return [sys.executable, "-c", before + MAIN, "serve", *map(str, arguments)]


def refusal(*arguments: object) -> str:
    """The line with which the command ends before it listens."""
    parser = argparse.ArgumentParser()
    serve.add_options(parser)
    with pytest.raises(UserError) as caught:
        serve.run(parser.parse_args([str(item) for item in arguments]))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@contextmanager
def started(exported: Path, *arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running server and its address."""
    process = subprocess.Popen(
        command("--model", exported, "--port", 0, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+:\d+", line)
        assert found, line + process.communicate()[1]
        yield process, found[0]
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_answers_are_those_of_predict_whatever_a_photo_comes_with(
    exported: Path, tmp_path: Path
) -> None:
    contents = [*PHOTOS.values(), GOOD[:300], b"no photo", DEEP, b"\xff\xd8\xff"]
    for number, content in enumerate(contents):
        (tmp_path / f"{number:03}").write_bytes(content)
    files = sorted(tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "predict", *files, "--model", exported, "--format", "jsonl"],
        capture_output=True,
        text=True,
    )
    predicted = [json.loads(line) for line in done.stdout.splitlines()]
    classifier = Classifier.load(exported)
    expected = [answer for _, answer in classifier.classify(enumerate(contents))]
    classifier.close()

    with started(exported) as (_, url), httpx.Client(base_url=url, timeout=60) as client:
        together = client.post(
            "/predict", files=[("photo", (str(i), item)) for i, item in enumerate(contents)]
        ).json()["predictions"]
        with ThreadPoolExecutor(8) as threads:
            alone = list(threads.map(lambda item: client.post("/predict", content=item), contents))

    assert len(predicted) == len(contents)
    assert sum(isinstance(item, Refused) for item in expected) == 4
    for row, answer, one, response in zip(predicted, expected, together, alone, strict=True):
        if isinstance(answer, Refused):
            assert "reason" in row
            assert response.status_code == one["status"] in (415, 422)
            assert response.json()["error"] == one["error"]
            continue
        # Digit by digit; predict rounds.
        assert one == response.json()["predictions"][0]
        assert [one["probabilities"][name] for name in CLASSES] == answer.probabilities.tolist()
        assert (one["label"], one["score"]) == (answer.label, answer.score)
        assert (row["label"], row["score"]) == (one["label"], round(one["score"], 4))
        assert one["sure"] is answer.sure is row["sure"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_requests_end_and_leaves_with_0(
    number: signal.Signals, exported: Path
) -> None:
    content = GOOD
    with started(exported) as (process, url):
        port = int(url.rpartition(":")[2])
        idle = socket.create_connection(("127.0.0.1", port), timeout=20)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(content), content[:20])
            )
            time.sleep(0.5)
            process.send_signal(number)
            time.sleep(0.5)
            # New ones are not taken any more.
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
            connection.sendall(content[20:])
            response = connection.recv(65536)
            while b"probabilities" not in response:
                response += connection.recv(65536)
        out, err = process.communicate(timeout=30)
        idle.close()

    assert response.startswith(b"HTTP/1.1 200 ")
    assert (process.returncode, err) == (0, "")
    assert out == "finishing 1 requests; Ctrl-C again to drop them\nstopped\n"


def test_a_request_that_does_not_end_holds_it_up_only_so_long(exported: Path) -> None:
    with started(exported, "--finish-seconds", 1) as (process, url):
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
            )
            time.sleep(0.5)
            start = time.monotonic()
            code, _, _ = ended(process, signal.SIGTERM)

    assert code == 0
    assert time.monotonic() - start < 10


def test_it_says_nothing_of_requests(exported: Path) -> None:
    with started(exported) as (process, url):
        with httpx.Client(base_url=url) as client:
            client.post("/predict?secret=1", files={"photo": ("secret.jpg", GOOD)})
            client.post("/secret", content=b"secret")
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"secret\r\n\r\n")
            connection.recv(100)
        code, out, err = ended(process, signal.SIGTERM)

    assert code == 0
    assert "secret" not in out + err


def test_it_runs_without_tensorflow(exported: Path) -> None:
    with started(exported) as (process, url):
        assert httpx.get(f"{url}/readyz").status_code == 200
        loaded = Path(f"/proc/{process.pid}/maps")
        if not loaded.exists():
            return
        assert "tensorflow" not in loaded.read_text(encoding="utf-8")


def test_a_listener_on_all_networks_is_told_what_that_means(exported: Path) -> None:
    with started(exported, "--host", "0.0.0.0") as (process, url):
        assert process.stdout is not None
        line = process.stdout.readline()

    assert url.startswith("http://127.0.0.1:")
    assert line.startswith("Whoever reaches this machine may use it")


def test_an_address_of_version_6_is_taken(exported: Path) -> None:
    with started(exported, "--host", "::1") as (_, url):
        assert url.startswith("http://[::1]:")
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_without_an_export_the_line_says_how_to_make_it(tmp_path: Path) -> None:
    done = subprocess.run(command(), cwd=tmp_path, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: data/export holds no exported classifier (model.json is missing): make export\n"
    )


@pytest.mark.parametrize("name", ["openvino/network.bin", "head.npz", "model.json"])
def test_an_export_that_was_tampered_with_is_refused(
    name: str, exported: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(exported, tmp_path / "export"))
    with (copy / name).open("ab") as file:
        file.write(b"x")

    assert name in refusal("--model", copy, "--port", 0)


def test_a_port_in_use_is_one_line(exported: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        line = refusal("--model", exported, "--port", port)

    assert line == (
        f"port {port} is in use, perhaps by another of these; --port {port + 1} may be free"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--host", "nothing.invalid"), "--host nothing.invalid is no name or address of this"),
        (("--host", "192.0.2.1"), "--host 192.0.2.1 is no address of this machine; "),
        (("--port", 70000), "--port 70000 should be between 0 and 65535"),
        (("--photos", 0), "--photos is 0: it should be greater than 0"),
        (("--photo-mb", 100), "--photo-mb is 100, more than --request-mb, 50: "),
    ],
)
def test_a_wrong_option_is_one_line(arguments: Sequence[object], line: str) -> None:
    assert refusal(*arguments).startswith(line)


def test_a_port_of_the_system_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Root, which may run the tests, may take every port.
    monkeypatch.setattr(socket.socket, "bind", refuse)

    assert refusal("--port", 80) == "port 80 is the system's, below 1024; --port 8000 is not"


@pytest.mark.parametrize("name", ["fastapi", "python_multipart"])
def test_without_the_extra_the_line_says_how_to_install_it(name: str, tmp_path: Path) -> None:
    without = f"import sys; sys.modules[{name!r}] = None\n"
    done = subprocess.run(command(before=without), cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr == (
        f"error: serving needs {name}, which is not installed: make setup EXTRA=serve\n"
    )
