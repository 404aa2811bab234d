"""OpenVINO without its telemetry: import ``openvino`` from here.

A plain ``import openvino`` reports itself to a web analytics service and leaves a client number in
the home folder; what does so is ``openvino.tools.ovc``, its converter, which nothing here needs.
"""

from __future__ import annotations

import sys

if "openvino" not in sys.modules:
    # None makes an import of the name raise ImportError, which OpenVINO takes for "not installed".
    sys.modules["openvino.tools.ovc"] = None  # type: ignore[assignment]
import openvino  # type: ignore[import-untyped]

__all__ = ["openvino"]
