"""The smallest trainer of the run contract: one step, no library. Predicts the share of each class in the training rows."""

import json
import os
import struct
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path


def npy(path, shape, descr, data):
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape!r}, }}"
    head = head.ljust(117) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data)


def rows(name):
    with open(os.path.join(run["data"]["dir"], run["data"]["splits"][name])) as file:
        return [json.loads(line) for line in file]


with open(os.environ["ASSAY_RUN"]) as file:
    run = json.load(file)
out = Path(run["out"])
classes = run["data"]["classes"]
smoothing = run["params"].get("smoothing", 1)
counts = Counter(str(row["label"]) for row in rows("train"))
weights = [counts[name] + smoothing + run["seed"] for name in classes]
scores = [weight / sum(weights) for weight in weights]

event = {"type": "step", "step": 1, "loss": 1.0, "timestamp": datetime.now(timezone.utc).isoformat()}
(out / "events.jsonl").write_text(json.dumps(event) + "\n")
(out / "model").mkdir(parents=True, exist_ok=True)
(out / "model" / "weights.json").write_text(json.dumps(scores))

test = rows("test")
folder = out / "predictions"
folder.mkdir(exist_ok=True)
ids = [str(row["id"]) for row in test]
width = max(map(len, ids))
npy(folder / "ids.npy", (len(test),), f"<U{width}", b"".join(id.ljust(width, "\0").encode("utf-32-le") for id in ids))
npy(folder / "labels.npy", (len(test),), "<i4", struct.pack(f"<{len(test)}i", *(classes.index(str(row["label"])) for row in test)))
npy(folder / "scores.npy", (len(test), len(classes)), "<f8", struct.pack(f"<{len(classes)}d", *scores) * len(test))

(out / "result.json.part").write_text(json.dumps({"metrics": {}, "steps": 1, "samples": len(test), "environment": {}}))
os.replace(out / "result.json.part", out / "result.json")
