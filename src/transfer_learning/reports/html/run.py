"""How the page came about: parameters, installed software, and the commands to run it again."""

from __future__ import annotations

import json
import platform
from importlib import metadata

from transfer_learning.config.params import Params
from transfer_learning.evaluation.choice import choose
from transfer_learning.evaluation.comparison import Comparison

SOFTWARE = (
    "dvc",
    "dvclive",
    "keras",
    "matplotlib",
    "numpy",
    "openvino",
    "pillow",
    "scikit-learn",
    "scipy",
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-datasets",
    "tensorflow-hub",
)


def parameters(params: Params) -> dict[str, str]:
    """Return the parameters by dotted key, without the sources of photos that are not used."""
    tree = params.model_dump(mode="json")
    dataset = tree["dataset"]
    shown = ("source", params.dataset.source, "splits", "stratify", "group_duplicates")
    tree["dataset"] = {key: dataset[key] for key in shown}
    if params.dataset.source == "folder":
        # The page is to send to someone, who need not know the user's home.
        tree["dataset"]["folder"]["path"] = params.dataset.folder.name
    flat: dict[str, str] = {}

    def walk(value: object, key: str) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                walk(item, f"{key}.{name}" if key else name)
        else:
            flat[key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    walk(tree, "")
    return flat


def environment() -> dict[str, str]:
    """Return the versions of Python and of the libraries that are installed."""
    installed = {"Python": platform.python_version()}
    for name in SOFTWARE:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def commands(params: Params, comparison: Comparison) -> str:
    """Return what to type in a clone, to build the page again and to change what it shows."""
    lines = [
        "make repro",
        "",
        "# in the activated environment: other parameters, and what they change",
        f"dvc exp run -S train.epochs={2 * params.train.epochs} -n longer",
        "dvc metrics diff HEAD longer",
        "dvc plots diff HEAD longer",
    ]
    selected = choose(params.selected, comparison).name
    others = [name for name in comparison.backbones if name != selected]
    for name in others[:1]:
        lines += [
            "",
            "# another backbone under reports/metrics.json",
            f"dvc exp run -S selected={name} -n {name}",
            f"dvc metrics diff HEAD {name}",
        ]
    return "\n".join(lines)
