"""Are the outputs here those of a revision or a receipt?  ``transfer-learning verify``.

Every byte here is read; what differs is looked into where the other version's contents are at
hand: in git, in DVC's cache, in the receipt, or beside it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.commands import differences, outputs, receipt
from transfer_learning.commands.outputs import Output
from transfer_learning.commands.receipt import Environment
from transfer_learning.runtime.errors import UserError

SAME, WITHIN, DIFFERENT, ERROR = range(4)
SHOWN = 12


@dataclass(frozen=True)
class Other:
    """What is compared with: ``read`` gives a file's contents by path and md5, where at hand."""

    name: str
    outputs: list[Output]
    read: Callable[[str, str], bytes | None]
    environment: Environment | None


@dataclass(frozen=True)
class Finding:
    """A file that is not the same bits, whether that much may differ, and what does."""

    stage: str
    path: str
    within: bool
    text: str


def run(against: str) -> int:
    """Compare, print the verdict, and return the exit code.

    Returns:
        0: the same bits; 1: the same within tolerance; 2: different; 3: nothing to compare.
    """
    try:
        here = outputs.here()
        other = _of_receipt(Path(against)) if Path(against).is_file() else _of_revision(against)
        findings = list(_findings(here, other))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return ERROR
    count = sum(len(output.files or ()) for output in here)
    if not findings:
        print(f"same bits: {count} files are those of {other.name}")
        return SAME
    bad = [finding for finding in findings if not finding.within]
    if bad:
        first = bad[0]
        print(f"different from {other.name}, first in {first.stage}: {first.path}: {first.text}")
    else:
        print(f"same within tolerance: {len(findings)} of {count} files differ from {other.name}")
    # What is out of tolerance comes first: small differences before it are usual.
    for finding in [*bad[1:], *(f for f in findings if f.within)][:SHOWN]:
        print(f"  {finding.stage}: {finding.path}: {finding.text}")
    if (more := len(findings) - SHOWN - bool(bad)) > 0:
        print(f"  and {more} more")
    print("\n".join(_explain(_environment(here), other)))
    return DIFFERENT if bad else WITHIN


def _of_revision(revision: str) -> Other:
    commit = outputs.git("rev-parse", "--short", f"{revision}^{{commit}}")
    if commit is None:
        raise UserError(f"{revision} is neither a receipt's file nor a revision that git knows")
    found = outputs.locked(revision)
    if not any(output.md5 for output in found):
        raise UserError(f"{revision} has no results: its dvc.lock names no outputs")

    def read(path: str, md5: str) -> bytes | None:
        contents = outputs.git("show", f"{revision}:./{path}")
        return outputs.cached(md5) if contents is None else contents

    return Other(f"{revision} ({commit.decode().strip()})", found, read, None)


def _of_receipt(path: Path) -> Other:
    found, kept, environment = receipt.read(path)
    beside = path.resolve().parents[1]

    def read(name: str, md5: str) -> bytes | None:
        if name in kept:
            return kept[name]
        file = beside / name
        contents = file.read_bytes() if file.is_file() else b""
        if hashlib.md5(contents, usedforsecurity=False).hexdigest() == md5:
            return contents
        return outputs.cached(md5)

    return Other(str(path), found, read, environment)


def _findings(here: list[Output], other: Other) -> Iterator[Finding]:
    """Yield what differs, in the pipeline's order; what only the other has comes last."""
    theirs = {output.path: output for output in other.outputs if output.md5}
    locked = {output.path: output.md5 for output in outputs.locked()}
    for output in here:
        that = theirs.pop(output.path, None)
        if that is None:
            yield Finding(output.stage, output.path, False, f"{other.name} has no such output")
        elif that.md5 != output.md5:
            yield from _in_output(output, that, other, as_written=locked[output.path] == output.md5)
    for that in theirs.values():
        yield Finding(that.stage, that.path, False, f"only {other.name} has this output")


def _in_output(here: Output, that: Output, other: Other, *, as_written: bool) -> Iterator[Finding]:
    if here.files is None or that.files is None:
        yield _unseen(here.stage, here.path, as_written=as_written)
        return
    for path in sorted({*here.files, *that.files}):
        mine, md5 = here.files.get(path), that.files.get(path)
        if mine == md5:
            continue
        if mine is None or md5 is None:
            where = f"only in {other.name}" if mine is None else f"not in {other.name}"
            yield Finding(here.stage, path, False, where)
            continue
        contents = other.read(path, md5)
        if contents is None:
            yield _unseen(here.stage, path, as_written=as_written)
            continue
        found = differences.compare(path, contents, Path(path).read_bytes(), stage=here.stage)
        if found:
            yield Finding(here.stage, path, found.within, found.text)


def _unseen(stage: str, path: str, *, as_written: bool) -> Finding:
    """Judge another hash without the contents: the tables of numbers speak for the rest."""
    if not as_written:
        return Finding(stage, path, False, "changed since its stage wrote it (dvc.lock)")
    if differences.is_exact(stage) or receipt.is_table(path):
        return Finding(stage, path, False, "another hash; the other contents are not at hand")
    return Finding(stage, path, True, "not looked into: the other contents are not at hand")


def _environment(here: list[Output]) -> Environment:
    """Return the receipt's, where it is of these outputs, else that of this moment."""
    if receipt.RECEIPT.is_file():
        found, _, environment = receipt.read(receipt.RECEIPT)
        if {o.path: o.md5 for o in found} == {o.path: o.md5 for o in here}:
            return environment
    return receipt.environment({output.stage for output in here})


def _explain(here: Environment, other: Other) -> list[str]:
    if other.environment is None:
        machine = here["machine"]
        return [
            f"environment: git keeps no receipt, so what {other.name} was built on is not known; "
            f"this is {machine['cpu']} ({machine['instruction sets']}), {machine['system']}"
        ]
    pairs = [
        (f"{group}, {key}", other.environment.get(group, {}).get(key), here.get(group, {}).get(key))
        for group in here
        for key in sorted({*here[group], *other.environment.get(group, {})})
    ]
    changed = [f"  {key}: {old or 'none'} there, {new or 'none'} here"
               for key, old, new in pairs if old != new]  # fmt: skip
    if not changed:
        return ["environment: no difference is recorded"]
    return ["environment:", *changed]
