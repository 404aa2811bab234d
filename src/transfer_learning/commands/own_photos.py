"""Put a folder of the user's photos in force: ``transfer-learning photos FOLDER``.

``make repro PHOTOS=FOLDER`` is this, then ``make repro``.
"""

from __future__ import annotations

import io

from ruamel.yaml import YAML

from transfer_learning.commands import check
from transfer_learning.config import params
from transfer_learning.config.paths import PARAMS
from transfer_learning.runtime.errors import quoted
from transfer_learning.runtime.files import write_text

# No line of params.yaml is broken by ruamel.yaml, however long the path.
WIDTH = 100_000


def apply(folder: str) -> str:
    """Set the source, the folder's path and ``stratify`` in params.yaml, which keeps its comments.

    The list of classes is emptied where the folder is another one, because it named that one's.

    Args:
        folder: any path; ~ is the user's home.

    Returns:
        What was changed, in a sentence.

    Raises:
        UserError: params.yaml is wrong, or the folder cannot be used; nothing is changed then.
    """
    before = params.load().dataset
    if (before.source, before.folder.path) == ("folder", folder):
        return f"{PARAMS} has these photos already: {quoted(folder)}"
    # Read again by ruamel.yaml's round trip: what a person wrote around the values stays.
    yaml = YAML()
    yaml.width = WIDTH
    yaml.preserve_quotes = True
    with PARAMS.open(encoding="utf-8") as file:
        tree = yaml.load(file)
    dataset = tree["dataset"]
    dataset["source"] = "folder"
    if dataset["folder"]["path"] != folder:
        dataset["folder"]["path"] = folder
        dataset["folder"]["classes"] = None
    # Small classes, which photos of one's own often have, would else miss a split.
    dataset["stratify"] = True
    check.check_photos(params.parse(tree).dataset)
    text = io.StringIO()
    yaml.dump(tree, text)
    write_text(PARAMS, text.getvalue())
    return (
        f"{PARAMS} is changed: dataset.source is folder (was {before.source}), dataset.folder.path "
        f"is {quoted(folder)} (was {quoted(before.folder.path)}), dataset.stratify is true"
    )
