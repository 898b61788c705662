"""What the GPU tests share. They need Python, NumPy and a PyTorch with CUDA, and nothing else:

    python -m unittest discover -s runtime/gpu_tests
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

TESTS = Path(__file__).parents[1] / "tests"
# At the end: modules of the same name lie in both folders.
sys.path += [str(TESTS), str(TESTS.parent)]

from trainers import EXAMPLES, Started, environment  # noqa: E402

DIGITS, HUNGRY = EXAMPLES / "digits-torch" / "train.py", Path(__file__).parent / "hungry.py"


def absent() -> str | None:
    """Why there is no GPU to test on, or None."""
    if shutil.which("nvidia-smi") is None:
        return "no GPU: nvidia-smi is not installed"
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    if listed.returncode != 0 or "UUID" not in listed.stdout:
        return f"no GPU: nvidia-smi -L says {(listed.stdout + listed.stderr).strip()[:200]!r}"
    try:
        import torch
    except ImportError:
        return "no GPU: this Python has no PyTorch"
    return None if torch.cuda.is_available() else f"no GPU: PyTorch {torch.__version__} finds no CUDA device"


class GpuCase(unittest.TestCase):
    """A folder, a small set of data and trainers on the first GPU; none is left running."""

    @classmethod
    def setUpClass(cls):
        reason = absent()
        if reason is not None:
            raise unittest.SkipTest(reason)

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="assay-gpu-")
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
        self.data = patterns(self.folder / "data")

    def launch(self, name, script, processes=1, **changes):
        given = {name: value for name, value in os.environ.items() if name in PASSED}
        trainer = Started(self.folder / name, script, self.data, {"device": "cuda", **changes}, processes, given)
        self.addCleanup(self._end, trainer)
        return trainer

    def _end(self, trainer):
        if trainer.process.poll() is None:
            trainer.process.kill()
        trainer.process.communicate()


# What finds the driver's libraries and the devices on this machine.
PASSED = {"CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "CUDA_HOME", "HOME"}


def patterns(folder: Path, rows: int = 2000) -> dict:
    """The `data` part of run.json: ten noisy patterns of 8 x 8 pixels with values 0 to 16, where no library brings the digits."""
    random = np.random.default_rng(0)
    shapes, labels = random.integers(0, 17, (10, 64)), random.integers(0, 10, rows)
    pixels = np.clip(shapes[labels] + random.normal(0, 8, (rows, 64)).round(), 0, 16).astype(int)
    table = folder / "table" / "patterns.csv"
    table.parent.mkdir(parents=True)
    lines = ["id,label," + ",".join(f"p{index}" for index in range(64))]
    splits: dict[str, list] = {"train": [], "validation": [], "test": []}
    for row, (values, label) in enumerate(zip(pixels.tolist(), labels.tolist())):
        lines.append(f"d{row},{label}," + ",".join(map(str, values)))
        splits["test" if row % 5 == 0 else "validation" if row % 10 == 1 else "train"].append({"id": f"d{row}", "label": str(label), "row": row})
    table.write_text("\n".join(lines) + "\n")
    paths = {}
    for name, examples in splits.items():
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(example) + "\n" for example in examples))
        paths[name] = str(path)
    return {"dir": str(table.parent), "label": "label", "id": "id", "unit": None, "classes": [str(digit) for digit in range(10)], "splits": paths}


def steps(count: int) -> dict:
    return {"epochs": None, "steps": count, "wallClockSeconds": None, "usedSeconds": 0}


def ladder(batch: int, precision: str = "fp32") -> list[dict]:
    """The levels that assay takes after memory ran out, as changes of run.json: micro-batches, recomputing, half precision."""
    levels = [{"microBatchSize": batch // divisor} for divisor in (1, 2, 4) if batch % divisor == 0]
    levels.append({**levels[-1], "gradientCheckpointing": True})
    if precision in ("fp32", "tf32"):
        levels.append({**levels[-1], "precision": "bf16"})
    return levels


def smi(*arguments: str) -> list[list[str]]:
    """Rows of an nvidia-smi query, without units."""
    ended = subprocess.run(["nvidia-smi", *arguments, "--format=csv,noheader,nounits"], capture_output=True, text=True, check=True, timeout=60)
    return [[cell.strip() for cell in line.split(",")] for line in ended.stdout.splitlines() if line.strip()]


def digest(content: dict[str, bytes]) -> str:
    return hashlib.sha256(b"".join(content[name] for name in sorted(content))).hexdigest()


__all__ = ["DIGITS", "HUNGRY", "GpuCase", "absent", "digest", "environment", "ladder", "patterns", "smi", "steps"]
