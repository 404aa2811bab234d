"""Check the golden photos with nothing but LiteRT: python check_litert.py litert/float32.tflite."""

import json
import sys
from pathlib import Path

import numpy as np

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:  # The same, as TensorFlow has it.
    import tensorflow as tf

    Interpreter = tf.lite.Interpreter

folder = Path(__file__).parent
golden = json.loads((folder / "golden/golden.json").read_text(encoding="utf-8"))
model = folder / (sys.argv[1] if len(sys.argv) > 1 else "litert/float32.tflite")
run = Interpreter(str(model)).get_signature_runner()
pixels = np.load(folder / "golden/pixels.npz")
wrong = 0
for index, item in enumerate(golden["photos"]):
    inputs = {name: pixels[name][index : index + 1] for name in pixels.files}
    found = run(**inputs)["probabilities"][0]
    label, apart = golden["labels"][found.argmax()], max(abs(found - item["probabilities"]))
    right = label == item["label"] and apart <= golden["tolerance"]
    print(f"{item['file']}: {label} {found.max():.3f}, {'as' if right else 'NOT as'} expected")
    wrong += not right
sys.exit(wrong > 0)
