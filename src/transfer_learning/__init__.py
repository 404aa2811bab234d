"""Transfer learning on frozen backbones, one package per noun of the pipeline.

``photos`` and ``sources`` give pixels, ``backbones`` the pretrained networks, ``features`` what
these make of the photos, ``heads`` the classifiers on top, ``evaluation`` what they are worth,
``reports`` what people look at.  ``config`` and ``runtime`` lie below all of them, ``commands``
above.  docs/architecture.md shows who may import whom; import-linter holds it.
"""

import sys
from pathlib import Path

# A stage that is run by its path, `python stages/train.py B`, has its own folder first on the path
# of modules, where stages/select.py would be taken for the standard library's select.
if sys.path and Path(sys.path[0]).name == "stages":
    del sys.path[0]
