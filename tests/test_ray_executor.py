"""Ray as the executor: the files of the local one, whoever dies; several nodes on this machine."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from artifacts import Convolutional, saved_model
from clone import TINY, yaml
from imports import SRC
from photo_kinds import encoded, picture
from toy_units import Bench, expected

from transfer_learning.photos import records
from transfer_learning.photos.dataset import DatasetInfo, SplitSummary
from transfer_learning.runtime.errors import UserError
from transfer_learning.work import executors

# Ray and the S3 server start once, in one process of pytest-xdist.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]
PROJECT = SRC.parent


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 server on loopback, which nodes that start later know."""
    from moto.server import ThreadedMotoServer

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    started.start()
    address = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("no_proxy", "127.0.0.1")
        yield address
    started.stop()


class Nodes:
    """A cluster whose first node has one core, and all others too."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        first = {"num_cpus": 1, "include_dashboard": False}
        self._cluster = Cluster(initialize_head=True, head_node_args=first)
        self._others: list[Any] = []
        self.address = self._cluster.address

    def have(self, count: int) -> None:
        """Add nodes, or remove some, until there are so many."""
        while len(self._others) > count - 1:
            self.lose()
        while len(self._others) < count - 1:
            self._others.append(self._cluster.add_node(num_cpus=1))
        self._cluster.wait_for_nodes()

    def lose(self) -> None:
        """Lose a node as when it is switched off."""
        self._cluster.remove_node(self._others.pop(), allow_graceful=False)

    def end(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def nodes(server: str) -> Iterator[Nodes]:
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", f"{SRC}{os.pathsep}{Path(__file__).parent}")
        started = Nodes()
        ray.init(started.address, log_to_driver=False, logging_level="ERROR")
        yield started
        ray.shutdown()
        started.end()


@pytest.fixture
def bench(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv(executors.EXECUTOR, executors.RAY)
    return Bench(tmp_path)


@pytest.mark.parametrize("count", [4, 1, 2])
def test_any_number_of_workers_gives_the_same_files_in_any_order_of_units(
    count: int, nodes: Nodes, bench: Bench
) -> None:
    nodes.have(count)
    todo = bench.units(12)
    random.Random(count).shuffle(todo)

    found = bench.run(todo, nap=0.02)

    assert found.texts == [f"{unit.name} reads {unit.name[1:]}" for unit in todo]
    assert found.photos == expected(12).photos
    assert sorted(bench.computed()) == sorted(unit.name for unit in todo)
    assert not bench.folder.exists()


def test_a_worker_that_is_killed_is_replaced_and_nobody_sees_half_a_file(bench: Bench) -> None:
    assert bench.run(bench.units(8), dies="u3") == expected(8)


def test_a_unit_that_fails_twice_is_done_and_one_that_always_fails_is_named(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    # More than are taken at a time: those that are done when the second run begins, too.
    todo = bench.units(24)
    with pytest.raises(UserError) as caught:
        bench.run(todo, fails={"u1": 2, "u22": 9})

    assert "toys@x: u22, photo u22/b.jpg: failed 3 times, at last with Val" in str(caught.value)
    # What the workers print is said once, and not once for each.
    assert capsys.readouterr().err.splitlines().count("a worker's remark") == 1
    assert "u1" in bench.computed()
    finished = bench.finished()
    assert finished > 8
    assert bench.run(todo) == expected(24)
    assert len(bench.computed()) == 24 - finished


def test_a_users_error_in_a_worker_is_said_as_it_is(bench: Bench) -> None:
    with pytest.raises(UserError, match=r"^params\.yaml is wrong$"):
        bench.run(bench.units(3), refused="u1")


def test_a_lost_node_costs_no_more_than_what_it_was_doing(nodes: Nodes, bench: Bench) -> None:
    nodes.have(2)

    def lose() -> None:
        while bench.log.read_text().count("done") < 4:
            time.sleep(0.02)
        nodes.lose()

    losing = threading.Thread(target=lose)
    losing.start()
    assert bench.run(bench.units(16), nap=0.1) == expected(16)
    losing.join()

    computed = bench.computed()
    assert len(set(computed)) == 16
    assert len(computed) <= 17


def test_a_bucket_holds_what_nodes_without_the_folder_need_and_resumes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    bucket = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    bucket.mkdir("photos")
    monkeypatch.setenv(executors.STORAGE, "s3://photos/some/work")
    todo = bench.units(6)
    with pytest.raises(UserError, match="u5, photo"):
        bench.run(todo, fails={"u5": 9})
    bench.computed()
    finished = bench.finished()
    # Another machine goes on, whose folder is empty and whose files are of another time.
    for path in bench.folder.iterdir():
        path.unlink()
    for unit in todo:
        os.utime(unit.inputs[0], (0, 0))

    assert bench.run(todo) == expected(6)

    assert len(bench.computed()) <= 6 - finished
    assert bucket.find("photos") == []


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        (
            "s3://nowhere/work",
            "is s3://nowhere/work, which fails: FileNotFoundError: The specified",
        ),
        ("folder", "is 'folder', which is no URL of a bucket, such as s3://BUCKET/FOLDER"),
        ("gs://photos", "is gs://photos, which needs a package: Please install gcsfs"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_named(
    storage: str, said: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(executors.STORAGE, storage)

    with pytest.raises(UserError) as caught:
        bench.run(bench.units(1))

    assert f"TRANSFER_LEARNING_STORAGE {said}" in str(caught.value)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stages preprocess and extract read: 300 photos, and a small network."""
    root = tmp_path_factory.mktemp("project")
    with (root / "params.yaml").open("w", encoding="utf-8") as file:
        tiny = {"tiny": TINY["backbones"]["tiny"]}
        yaml.dump(TINY | {"resolutions": [32], "backbones": tiny, "selected": "tiny"}, file)
    saved_model(Convolutional(), root / "data/backbones/tiny", features=5)
    splits = {}
    for split, count in (("train", 290), ("valid", 4), ("test", 6)):
        photos = [
            records.Record(
                f"{split}/{index}.jpg", index % 2, encoded(picture(50 + index, 40), "JPEG")
            )
            for index in range(count)
        ]
        records.write_shards(root / "data/dataset", split, photos, photos=count)
        splits[split] = SplitSummary("", count, count, (count, 0))
    DatasetInfo(
        source="folder", synthetic=False, classes=("a", "b"), found=300, splits=splits,
        rejected=(), photos=(),
    ).write(root / "data/dataset")  # fmt: skip
    return root


def run(project: Path, *stage: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"stages.{stage[0]}", stage[1]],
        cwd=project,
        env=os.environ | {"PYTHONPATH": f"{SRC}{os.pathsep}{PROJECT}"} | environment,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def made(project: Path, **storage: str) -> dict[str, bytes]:
    """Run both stages as processes, with a storage each; return the files that they make."""
    for stage, name in (("preprocess", "32"), ("extract", "tiny")):
        environment = {executors.STORAGE: storage[stage]} if stage in storage else {}
        done = run(project, stage, name, **environment)
        assert done.returncode == 0, done.stderr
        # The bar, and nothing of Ray's.
        said = [line for line in done.stderr.splitlines() if line]
        assert all(line.startswith(stage) for line in said), done.stderr
    folders = (project / "data/tfrecords", project / "data/features")
    files = [path for folder in folders for path in sorted(folder.rglob("*.*"))]
    return {str(path.relative_to(project)): path.read_bytes() for path in files}


def test_the_stages_give_the_files_of_the_local_executor_by_a_folder_and_by_a_bucket(
    project: Path, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    s3fs.S3FileSystem(skip_instance_cache=True).mkdir("stages")
    local = made(project)
    monkeypatch.setenv(executors.EXECUTOR, executors.RAY)
    monkeypatch.setenv(executors.CLUSTER, nodes.address)

    on_ray = made(project, extract="s3://stages/work")

    assert len(local) == 4 + 4
    assert on_ray == local
    timings = json.loads((project / "reports/timings.json").read_text())
    where = f"ray {metadata.version('ray')} on {nodes.address}"
    assert timings["preprocess@32"]["device"]["executor"] == where
    assert timings["extract@tiny"]["device"]["executor"] == f"{where}, s3://stages/work"


def test_a_cluster_that_does_not_answer_is_named_at_once(project: Path) -> None:
    nobody = {"TRANSFER_LEARNING_EXECUTOR": "ray", "RAY_ADDRESS": "127.0.0.1:1"}

    done = run(project, "preprocess", "32", **nobody)

    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: RAY_ADDRESS is 127.0.0.1:1, but Ray cannot be used: ")
