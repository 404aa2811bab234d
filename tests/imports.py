"""Which library modules a script imports, directly or not, read from the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

SRC = Path(__file__).parents[1] / "src"


def library_modules(script: Path) -> set[Path]:
    """Return the files of all modules of transfer_learning that the script can import.

    A package's ``__init__.py`` runs with each of its modules, but what its functions import is for
    those who import the package itself. One that holds only a docstring is left out.
    """
    seen: set[tuple[Path, bool]] = set()
    todo = [(script, True)]
    while todo:
        new = set(_imported(*todo.pop())) - seen
        seen |= new
        todo += new
    return {path for path, _ in seen if len(_tree(path).body) > 1}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imported(script: Path, whole: bool) -> Iterator[tuple[Path, bool]]:
    """Yield the files that a script imports, and whether what their functions import counts."""
    nodes = ast.walk(_tree(script)) if whole else _tree(script).body
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield from _files(inner if _file(inner) else node.module)


def _files(name: str) -> Iterator[tuple[Path, bool]]:
    """Yield the module's file, and the ``__init__.py`` of every package on the way to it."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        if path := _file(".".join(parts[:length])):
            yield path, length == len(parts)


def _file(name: str) -> Path | None:
    path = SRC.joinpath(*name.split("."))
    found = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]
    return found[0] if found else None
