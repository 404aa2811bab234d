"""Which library modules a stage script imports, directly or not, read from the source."""

import ast
from pathlib import Path

SRC = Path(__file__).parents[1] / "src"


def library_modules(script: Path) -> set[str]:
    """Return the paths of all modules of transfer_learning that the script can import."""
    found: set[str] = set()
    todo = [script]
    while todo:
        for module in _imported(todo.pop()):
            name = module.relative_to(SRC.parent).as_posix()
            if name not in found:
                found.add(name)
                todo.append(module)
    return found


def _imported(script: Path) -> set[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    paths = {SRC / f"{name.replace('.', '/')}.py" for name in names}
    return {path for path in paths if path.is_file()}
