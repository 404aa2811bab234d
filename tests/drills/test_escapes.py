"""Drill: whatever name stands in ``params.yaml``, plain DVC removes nothing but outputs.

DVC removes a stage's outputs before the stage starts, and with it any check of ours.  So dvc.yaml
is made such that DVC itself refuses a name that leads out of the outputs' folders.
"""

from __future__ import annotations

import copy
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dvc.exceptions import DvcException
from dvc.repo import Repo
from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from survival import DRILLS

PROJECT = Path(__file__).parents[2]
yaml = YAML(typ="safe", pure=True)
PARAMS = yaml.load(PROJECT / "params.yaml")
STAGES = yaml.load(PROJECT / "dvc.yaml")["stages"]
# The keys of params.yaml whose entries become parts of paths: ${backbones} and so on.
SECTIONS = sorted({re.sub(r"\W", "", s["foreach"]) for s in STAGES.values() if "foreach" in s})

parts = st.sampled_from(
    ["..", "..", "..", ".", "", "a", "mobilenet_v2", "224", "docs", "src", "data", "reports",
     "inputs", "photos", "dataset", "features", "README.md", ".git", ".dvc", "metrics.json"]
)  # fmt: skip
names = st.lists(parts, min_size=1, max_size=7).map("/".join)


def outputs(folder: Path, params: dict[str, Any]) -> set[str] | None:
    """Return the paths of all outputs as DVC takes them; None where it refuses to go on."""
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)
    try:
        with Repo(str(folder)) as repo:
            # What `dvc repro` and `dvc exp run` do first.
            assert repo.index.graph
            return {Path(out.fs_path).relative_to(folder).as_posix() for out in repo.index.outs}
    except (DvcException, ValueError):
        return None


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project").resolve()
    for name in ("dvc.yaml", "data/inputs/dvc.yaml", ".dvcignore"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, folder / name)
    Repo.init(str(folder), no_scm=True, force=True).close()
    return folder


@pytest.fixture(scope="module")
def folders(project: Path) -> set[str]:
    """The folders that hold outputs alone: data/features and the like, and reports."""
    found = outputs(project, PARAMS)
    assert found
    of_data = {"/".join(path.split("/")[:2]) for path in found if path.startswith("data/")}
    return {*(of_data - {"data/inputs"}), "reports"}


@pytest.fixture(scope="module")
def ends(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    ends: Counter[str] = Counter()
    yield ends
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n\nnames that lead elsewhere: {ends.total()} tried, {ends.total()} survived")
        for end, count in sorted(ends.items()):
            print(f"  {count:5} {end}")


@pytest.mark.parametrize("section", SECTIONS)
def test_no_name_leads_dvc_out_of_the_outputs_folders(
    section: str, project: Path, folders: set[str], ends: Counter[str]
) -> None:
    @seed(0)
    @settings(
        database=None, deadline=None, max_examples=5 * DRILLS,
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    @example("../../docs")
    @example("../photos")
    @example("../../src/transfer_learning/reports")
    @example("..")
    @example("../..")
    @example("../../../elsewhere")
    @example("a/../../../README.md")
    @given(names)
    def tried(name: str) -> None:
        params = copy.deepcopy(PARAMS)
        entries = params.setdefault(section, {})
        if isinstance(entries, list):
            entries.append(name)
        else:
            entries[name] = next(iter(PARAMS["backbones"].values()))

        found = outputs(project, params)

        if found is not None:
            below = {path for path in found if any(path.startswith(f"{top}/") for top in folders)}
            assert found - below <= folders | {"data/inputs/folder.json"}
            assert not any(path == "reports" for path in found)
        ends[f"{section}: {'inside' if found else 'refused by DVC'}"] += 1

    tried()
