"""``transfer-learning predict``: rows, refusals, names, pipes, interrupts and bars."""

from __future__ import annotations

import argparse
import base64
import csv
import fcntl
import io
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from exports import CLASSES, PHOTOS, SRC
from photo_kinds import KINDS, encoded, picture

from transfer_learning.classifier.classifier import Answer, Classifier
from transfer_learning.commands import predict, predict_files, predict_options
from transfer_learning.runtime.errors import UserError

COMMAND = (sys.executable, "-c", "from transfer_learning.commands.main import main; main()")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(SRC)}
GOOD = KINDS["baseline JPEG"]


@pytest.fixture
def ask(
    exported: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., tuple[int, bytes, str]]:
    """Run the command in this process: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, bytes, str]:
        parser = argparse.ArgumentParser()
        predict_options.add(parser)
        options = parser.parse_args(["--model", str(exported), *map(str, arguments)])
        capfdbinary.readouterr()
        code = predict.run(options)
        out, err = capfdbinary.readouterr()
        return code, out, err.decode()

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of good photos with odd names, broken ones, and what is no photo."""
    root = tmp_path / "photos"
    (root / "below").mkdir(parents=True)
    for name in ("a,b.jpg", 'new\nline "quoted".jpg', "below/c.jpg", "no suffix"):
        (root / name).write_bytes(GOOD)
    (root / os.fsdecode(b"\xff.jpg")).write_bytes(GOOD)
    (root / "cut.jpg").write_bytes(GOOD[:300])
    (root / "dead.jpg").symlink_to("nowhere")
    os.mkfifo(root / "pipe.jpg")
    (root / "notes.txt").write_text("no photo")
    (root / ".hidden.jpg").write_bytes(GOOD)
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX/d.jpg").write_bytes(GOOD)
    return root


ODD = os.fsdecode(b"\xff.jpg")
ROWS = ["a,b.jpg", "cut.jpg", "dead.jpg", 'new\nline "quoted".jpg', "no suffix", "pipe.jpg", ODD]


def test_csv_has_every_photo_once_whatever_its_name(ask: Callable, folder: Path) -> None:
    code, out, err = ask(folder, "--format", "csv", "--top", 2)

    text = io.StringIO(out.decode(errors="surrogateescape"), newline="")
    rows = {Path(row["photo"]).relative_to(folder).as_posix(): row for row in csv.DictReader(text)}
    assert list(rows) == [*ROWS, "below/c.jpg"]
    assert b"/\xff.jpg," in out
    refused = {name: row["reason"] for name, row in rows.items() if row["reason"]}
    assert list(refused) == ["cut.jpg", "dead.jpg", "pipe.jpg"]
    assert refused["dead.jpg"] == "no such file or directory"
    assert refused["pipe.jpg"] == "not a regular file"
    good = rows["a,b.jpg"]
    assert good["label"] in CLASSES
    assert good["label_2"] in CLASSES
    assert float(good["score"]) >= float(good["score_2"])
    assert good["sure"] in ("true", "false")
    assert "label_3" not in good
    assert code == 1
    assert err == "3 of 8 photos have no answer: the reason stands there\n"


def test_jsonl_keeps_every_byte_of_a_name(ask: Callable, folder: Path, exported: Path) -> None:
    code, out, _ = ask(folder, "--format", "jsonl")

    rows = [json.loads(line) for line in out.splitlines()]
    assert [Path(row["photo"]).name for row in rows] == [*ROWS, "c.jpg"]
    (odd,) = (row for row in rows if "photo_base64" in row)
    assert base64.b64decode(odd["photo_base64"]) == os.fsencode(folder / ODD)
    assert "reason" in rows[1]
    assert "label" not in rows[1]
    known = Classifier.load(exported)
    answer = known.answer(GOOD)
    known.close()
    assert isinstance(answer, Answer)
    assert (rows[0]["label"], rows[0]["score"]) == (answer.label, round(answer.score, 4))
    assert rows[0]["top"][0]["label"] == answer.label
    assert sum(item["score"] for item in rows[0]["top"]) == pytest.approx(1, abs=1e-3)
    assert code == 1


def test_the_table_is_one_line_a_photo(ask: Callable, folder: Path) -> None:
    _, out, _ = ask(folder, "--threshold", 1)

    lines = out.decode().splitlines()
    assert len(lines) == len(ROWS) + 1
    assert r"new\nline" in out.decode()
    assert lines[1].startswith("no answer")
    assert lines[0].split("  ")[0].strip() in CLASSES
    assert "unsure" in lines[0]


def test_the_threshold_says_what_is_unsure(ask: Callable, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(GOOD)

    low, high = (
        json.loads(ask(tmp_path, "--format", "jsonl", "--threshold", value)[1])["sure"]
        for value in (0, 1)
    )

    assert (low, high) == (True, False)


def test_files_folders_and_odd_kinds_are_taken_in_the_order_given(
    ask: Callable, tmp_path: Path
) -> None:
    for name, photo in KINDS.items():
        (tmp_path / name).write_bytes(photo)
    (tmp_path / "text").write_text("no photo")

    code, out, _ = ask(tmp_path / "PNG", tmp_path, tmp_path / "text", "--format", "jsonl")

    names = [Path(json.loads(line)["photo"]).name for line in out.splitlines()]
    assert names == ["PNG", *sorted(KINDS), "text"]
    assert code == 1


def test_answers_in_a_clear_case_end_with_0(ask: Callable, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(GOOD)

    assert ask(tmp_path / "a.jpg")[0] == 0


def test_no_photo_at_all_is_an_error(ask: Callable, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no photo in"):
        ask(tmp_path)


@pytest.mark.parametrize(
    "arguments", [("--top", "0"), ("--threshold", "1.5"), ("--threshold", "x"), ("--format", "xml")]
)
def test_bad_options_are_refused(
    arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    predict_options.add(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(["a.jpg", *arguments])
    assert arguments[0] in capsys.readouterr().err


def test_a_folder_that_cannot_be_listed_is_a_row(
    ask: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(GOOD)
    locked = tmp_path / "locked"
    locked.mkdir()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if Path(path) == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)

    code, out, _ = ask(tmp_path, "--format", "jsonl")

    rows = [json.loads(line) for line in out.splitlines()]
    assert "label" in rows[0]
    assert rows[1] == {"photo": str(locked), "reason": "permission denied"}
    assert code == 1


def test_a_file_that_is_endless_is_refused(ask: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict_files, "MEGABYTES", 1)

    code, out, _ = ask("/dev/zero", "--format", "jsonl")

    assert json.loads(out)["reason"] == "it has more than 1 MB"
    assert code == 1


def start(exported: Path, *arguments: object, **options: object) -> subprocess.Popen:
    return subprocess.Popen(
        [*COMMAND, "predict", "--model", str(exported), *map(str, arguments)],
        env=ENVIRONMENT,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More photos than are answered before a test has interrupted it."""
    root = tmp_path_factory.mktemp("many")
    photo = root / "photo.jpg"
    photo.write_bytes(encoded(picture(1600, 1200), "JPEG"))
    for index in range(3000):
        os.link(photo, root / f"{index:04}.jpg")
    return root


def test_a_photo_on_standard_input_is_answered(exported: Path) -> None:
    process = start(exported, "-", "--format", "jsonl", stdin=subprocess.PIPE)

    out, err = process.communicate(PHOTOS["PNG"], timeout=60)

    assert process.returncode == 0
    assert json.loads(out)["photo"] == "-"
    # Nothing but errors where no terminal is.
    assert err == b""


def test_whoever_stops_reading_ends_it_quietly(exported: Path, many: Path) -> None:
    process = start(exported, many)
    assert process.stdout and process.stderr
    first = process.stdout.readline()
    process.stdout.close()

    err = process.stderr.read()

    assert first
    assert err == b""
    assert process.wait(timeout=10) == 0
    process.stderr.close()


def test_an_interrupt_ends_it_within_a_second_and_keeps_whole_rows(
    exported: Path, many: Path, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    with path.open("wb") as file:
        process = start(exported, many, "--format", "csv", stdout=file)
        while path.stat().st_size < 500:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        sent = time.perf_counter()
        _, err = process.communicate(timeout=60)
        seconds = time.perf_counter() - sent

    rows = list(csv.reader(path.open(encoding="utf-8", newline="")))
    assert process.returncode == 130
    # A second where the machine is idle.
    assert seconds < 5
    assert err.decode() == f"interrupted after {len(rows) - 1} photos: their answers are written\n"
    assert {len(row) for row in rows} == {9}


def test_a_terminal_has_a_bar(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(GOOD)
    ours, theirs = pty.openpty()
    # A new one has no columns to draw a bar in.
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    process = start(exported, tmp_path, stderr=theirs)
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    shown = b""
    while select.select([ours], [], [], 1)[0]:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # Linux's way to say that nobody writes any more.
            break
    os.close(ours)

    assert b"1/1" in shown
    assert out.count(b"\n") == 1


def test_no_export_is_one_line(tmp_path: Path) -> None:
    process = start(tmp_path, "a.jpg")

    out, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert out == b""
    assert err.decode().count("\n") == 1
    assert "make export" in err.decode()
