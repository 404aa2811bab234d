"""TensorFlow without its start-up messages: import ``tf`` from here.

TensorFloat-32, TensorFlow's default for float32 on newer GPUs, is off until somebody asks for it:
its 10 bits of mantissa would show in features, heads and checks.

Importing this module loads TensorFlow (3.5 s), so modules that do without it don't import it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Read by TensorFlow's C++ side while it loads, so it must be set before the import.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextmanager
def _stderr_withheld() -> Iterator[None]:
    """Withhold what C++ writes to stderr, unless the block fails: then it is shown."""
    # Messages before absl::InitializeLog() heed no log level.
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as withheld:
        os.dup2(withheld.fileno(), 2)
        try:
            yield
        except Exception:
            withheld.seek(0)
            os.write(kept, withheld.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def _absent(*modules: str) -> Iterator[None]:
    """Let the modules seem not installed during the block, unless they are loaded already."""
    hidden = [name for name in modules if name not in sys.modules]
    # None makes an import of the name raise ImportError.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


# Keras imports these where it finds them, for wrappers and pictures that nothing here uses: they
# would be a third of the start-up of every stage with TensorFlow.
with _stderr_withheld(), _absent("sklearn", "matplotlib.pyplot"):
    import tensorflow as tf

    # Else TensorFlow takes all of the GPU's memory; must come before the first use.
    for _gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(_gpu, True)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    # A GPU without free memory says so again where it is first used, and there it is answered.
    with suppress(tf.errors.OpError):
        tf.constant(0)

__all__ = ["tf"]
