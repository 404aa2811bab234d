"""Check the golden photos with nothing but TensorFlow: python check_tensorflow.py."""

import json
import sys
from pathlib import Path

import tensorflow as tf

folder = Path(__file__).parent
golden = json.loads((folder / "golden/golden.json").read_text(encoding="utf-8"))
model = tf.saved_model.load(str(folder / "saved_model"))
photos = [(folder / "golden" / item["file"]).read_bytes() for item in golden["photos"]]
answers = model.signatures["serving_default"](image_bytes=tf.constant(photos))
wrong = 0
for item, label, found in zip(
    golden["photos"], answers["label"].numpy(), answers["probabilities"].numpy(), strict=True
):
    name, apart = label.decode(), max(abs(found - item["probabilities"]))
    right = name == item["label"] and apart <= golden["tolerance"]
    print(f"{item['file']}: {name} {found.max():.3f}, {'as' if right else 'NOT as'} expected")
    wrong += not right
sys.exit(wrong > 0)
