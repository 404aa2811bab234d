"""Whole processes with their seconds and memory, stage by stage where DVC runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil


@dataclass
class Run:
    """One process: wall seconds, standard output, and seconds and peak MB of each DVC stage."""

    seconds: float
    output: str
    stages: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)


def run(command: list[str], folder: Path) -> Run:
    """Run a command; the memory of its children is read twenty times a second."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }
    stage, lines, stop = ["start"], [], threading.Event()
    result = Run(0.0, "")
    with tempfile.TemporaryFile("w+") as errors:
        start = begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )

        def watch() -> None:
            parent = psutil.Process(process.pid)
            while not stop.wait(0.05):
                used = 0
                try:
                    for child in parent.children(recursive=True):
                        used += child.memory_info().rss
                except psutil.Error:
                    continue
                result.peaks[stage[0]] = max(result.peaks.get(stage[0], 0.0), used / 1e6)

        thread = threading.Thread(target=watch)
        thread.start()
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Running stage"):
                now = time.perf_counter()
                result.stages[stage[0]] = now - begun
                stage[0], begun = line.split("'")[1], now
        code = process.wait()
        stop.set()
        thread.join()
        end = time.perf_counter()
        result.stages[stage[0]] = end - begun
        result.seconds, result.output = end - start, "".join(lines)
        if code != 0:
            errors.seek(0)
            sys.exit(f"{' '.join(command)} ended with {code}:\n{errors.read()[-3000:]}")
    return result
