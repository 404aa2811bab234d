"""The server under load: photos/s beside `predict`, waiting times, memory, bad clients.

python -m benchmarks.serve prints Markdown; it is kept in benchmarks/results/serve.md.  It serves
data/export (make export) in a process of its own, asked by threads of this one over kept
connections, so the load generator takes part of the same cores.  Every answer is compared, digit
by digit, with the classifier's own.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from benchmarks import measure
from benchmarks.serve_clients import BadClients, Result, Sample, load
from transfer_learning.classifier import manifest
from transfer_learning.classifier.classifier import Answer, Classifier
from transfer_learning.classifier.engines import NETWORK
from transfer_learning.config.paths import EXPORT
from transfer_learning.runtime import hardware
from transfer_learning.runtime.openvino_quiet import openvino

CLIENTS = (1, 8, 64)
# Good ones, beside the bad ones.
ENDURING = 8


@dataclass
class Memory:
    """A process's resident memory in MB, by seconds."""

    points: list[tuple[float, float]] = field(default_factory=list)

    def part(self, start: float, end: float) -> float:
        """Return the median within shares of the whole time."""
        last = self.points[-1][0]
        inside = [mb for at, mb in self.points if start * last <= at <= end * last]
        return statistics.median(inside)

    @property
    def peak(self) -> float:
        """Return the most."""
        return max(mb for _, mb in self.points)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="FOLDER/CLASS/*.jpg; else drawn (synthetic)")
    parser.add_argument("--count", type=int, default=300, help="how many photos to use (300)")
    parser.add_argument("--rounds", type=int, default=3, help="of each way, in turn (3)")
    parser.add_argument("--enduring", type=int, default=20_000, help="requests with bad clients")
    parser.add_argument("--model", type=Path, default=EXPORT)
    options = parser.parse_args()
    photos = measure.encoded(options.photos, options.count)
    samples = right_answers(photos, options.model)
    kind = "real" if options.photos else "synthetic"
    size = statistics.mean(map(len, photos)) / 1e3
    print(
        f"{hardware.describe()['cpu']}, cores: {hardware.cores()}, shared by the server and its "
        f"clients. {len(samples)} {kind} photos of {size:.0f} kB, one a request; classifier: "
        f"{manifest.read(options.model).name}; medians of {options.rounds} rounds in turn. "
        "One client keeps one core busy, predict all of them.\n"
    )
    speeds(photos, samples, options)
    batches(options.model, options.rounds)
    endurance(samples, options)


def right_answers(photos: list[bytes], model: Path) -> list[Sample]:
    """Return the photos that the classifier answers, with its probabilities."""
    classifier = Classifier.load(model)
    classes = classifier.manifest.classes
    found = [
        Sample(photo, dict(zip(classes, answer.probabilities.tolist(), strict=True)))
        for photo, answer in classifier.classify((photo, photo) for photo in photos)
        if isinstance(answer, Answer)
    ]
    classifier.close()
    return found


def speeds(photos: list[bytes], samples: list[Sample], options: argparse.Namespace) -> None:
    """Print photos/s of `predict` and of the server at each number of clients, in turn."""
    predicted: list[Cost] = []
    served: dict[int, list[tuple[Result, float]]] = {clients: [] for clients in CLIENTS}
    with tempfile.TemporaryDirectory() as folder:
        one, all_of_them = Path(folder) / "one", Path(folder) / "all"
        for place, contents in ((one, photos[:1]), (all_of_them, photos)):
            place.mkdir()
            for number, content in enumerate(contents):
                (place / f"{number:05}.jpg").write_bytes(content)
        for _ in range(options.rounds):
            start, whole = predict(one, options.model), predict(all_of_them, options.model)
            count = len(photos) - 1
            predicted.append(
                Cost((whole.seconds - start.seconds) / count, (whole.cpu - start.cpu) / count)
            )
            with server(options.model) as (process, port):
                load(port, samples, clients=2, requests=20)
                for clients, results in served.items():
                    before = cpu_seconds(process.pid)
                    result = load(port, samples, clients=clients, requests=len(samples))
                    cpu = (cpu_seconds(process.pid) - before) / len(samples)
                    results.append((result, cpu))
    table(
        "",
        "photos/s",
        "of predict's rate",
        "CPU, ms a photo",
        "p50, ms",
        "p99, ms",
        "wrong",
        "refused",
    )
    row(
        "`predict`, without its start",
        f"{statistics.median(1 / cost.seconds for cost in predicted):.0f}",
        "1",
        f"{1e3 * statistics.median(cost.cpu for cost in predicted):.1f}",
        *[""] * 4,
    )
    for clients, pairs in served.items():
        results = [result for result, _ in pairs]
        ratios = [
            result.rate * cost.seconds for result, cost in zip(results, predicted, strict=True)
        ]
        row(
            f"server, {clients} client{'s' if clients > 1 else ''}",
            f"{statistics.median(result.rate for result in results):.0f}",
            f"{statistics.median(ratios):.2f}",
            f"{1e3 * statistics.median(cpu for _, cpu in pairs):.1f}",
            f"{statistics.median(result.percentile(0.5) for result in results):.0f}",
            f"{statistics.median(result.percentile(0.99) for result in results):.0f}",
            str(sum(result.wrong for result in results)),
            str(sum(sum(result.refused.values()) for result in results)),
        )
    print()


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of processors."""

    seconds: float
    cpu: float


def predict(folder: Path, model: Path) -> Cost:
    """Return what a whole `transfer-learning predict` costs."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*console(), "predict", folder, "--model", model, "--format", "csv"],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(seconds, cpu)


def cpu_seconds(pid: int) -> float:
    """Return the seconds of processors that a process has taken."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def batches(model: Path, rounds: int) -> None:
    """Print what the network alone does with batches: whether waiting for others would pay."""
    if not (model / NETWORK[0]).is_file():
        return
    members = manifest.read(model).members
    ways = {}
    for size in (1, 2, 4, 8):
        requests = compiled(model, {member.name: member.resolution for member in members}, size)

        def run(requests: list = requests, size: int = size) -> None:
            running: deque = deque()
            for number in range(240 // size):
                if len(running) == len(requests):
                    running.popleft().wait()
                request = requests[number % len(requests)]
                request.start_async()
                running.append(request)
            for request in running:
                request.wait()

        ways[size] = run
    # Of processors, not by the clock: others may use the machine.
    costs: dict[int, list[float]] = {size: [] for size in ways}
    for _ in range(rounds + 1):
        for size, way in ways.items():
            before = time.process_time()
            way()
            costs[size].append(1e3 * (time.process_time() - before) / 240)
    print("The network alone, each core at batches of its own:\n")
    table("photos in a batch", *map(str, ways))
    # Without a first round, in which caches fill.
    row("CPU, ms a photo", *(f"{statistics.median(cost[1:]):.1f}" for cost in costs.values()))
    print()


def compiled(model: Path, sizes: dict[str, int], batch: int) -> list:
    """Return a request for each core of the network, for batches of black photos."""
    network = openvino.Core().read_model(model / NETWORK[0])
    network.reshape({name: [batch, side, side, 3] for name, side in sizes.items()})
    cores = hardware.cores()
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": cores,
        "NUM_STREAMS": cores,
        "ENABLE_CPU_PINNING": False,
    }
    found = openvino.Core().compile_model(network, "CPU", settings)
    requests = [found.create_infer_request() for _ in range(cores)]
    for request in requests:
        for name, side in sizes.items():
            request.get_tensor(name).data[:] = np.zeros((batch, side, side, 3), np.uint8)
    return requests


def endurance(samples: list[Sample], options: argparse.Namespace) -> None:
    """Print memory and answers over many requests, with bad clients all the time."""
    with server(options.model, "--header-seconds", "5", "--upload-seconds", "5") as (process, port):
        load(port, samples, clients=ENDURING, requests=len(samples))
        with BadClients(port, samples[0].photo) as bad, watched(process.pid) as memory:
            result = load(port, samples, clients=ENDURING, requests=options.enduring)
        process.terminate()
        code = process.wait()
    print(
        f"{options.enduring:,} requests of {ENDURING} good clients, with bad ones all the time:\n"
    )
    table("", "")
    row("right answers", f"{len(result.seconds) - result.wrong:,}")
    row("wrong answers", str(result.wrong))
    row("refused", ", ".join(f"{n} × {status}" for status, n in result.refused.items()) or "0")
    row("photos/s; p50; p99", f"{result.rate:.0f}; {result.percentile(0.5):.0f} ms; "
        f"{result.percentile(0.99):.0f} ms")  # fmt: skip
    row("memory in the second tenth, in the last", f"{memory.part(0.1, 0.2):.0f} MB, "
        f"{memory.part(0.9, 1):.0f} MB")  # fmt: skip
    row("most memory", f"{memory.peak:.0f} MB")
    row("exit code after SIGTERM", str(code))
    print("\nWhat the bad clients were told:\n")
    table("client", "answers")
    for name, seen in bad.seen.items():
        row(name, ", ".join(f"{count} × {answer}" for answer, count in sorted(seen.items())))


@contextmanager
def server(model: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run `transfer-learning serve` on a free port."""
    process = subprocess.Popen(
        [*console(), "serve", "--port", "0", "--model", model, *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+:(\d+)", process.stdout.readline())
        if not found:
            sys.exit("the server did not start")
        yield process, int(found[1])
    finally:
        process.terminate()
        process.wait()


@contextmanager
def watched(pid: int) -> Iterator[Memory]:
    """Read a process's memory four times a second."""
    memory, stop = Memory(), threading.Event()
    process, start = psutil.Process(pid), time.perf_counter()

    def watch() -> None:
        while not stop.wait(0.25):
            memory.points.append((time.perf_counter() - start, process.memory_info().rss / 1e6))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()


def console() -> list[str]:
    """Return the command as it is run here, installed or not."""
    os.environ.setdefault("PYTHONPATH", "src")
    return [sys.executable, "-c", "from transfer_learning.commands.main import main; main()"]


def table(*header: str) -> None:
    row(*header)
    row(*["---"] * len(header))


def row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
