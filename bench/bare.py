"""The bare script that a supervised training is compared with: examples/digits-torch with no events, checkpoints or supervision.

PYTHONPATH=runtime python bench/bare.py DIGITS.csv MODEL STEPS [SEED]  ->  {"steps": n, "seconds": wall, "cpu": seconds} of the steps alone.
"""

import importlib.util
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from assay_runtime import Run
from assay_runtime.order import Order
from assay_runtime.ranks import Ranks

import numpy as np


def main(table: str, model: str, steps: int, seed: int = 1) -> dict:
    rows = [line.split(",") for line in Path(table).read_text().splitlines()[1:]]
    rows = rows[: len(rows) * 7 // 10]
    train = SimpleNamespace(x=np.array([row[2:] for row in rows], dtype=np.float64), y=np.array([int(row[1]) for row in rows]))
    trainer, settings = example().Trainer(), Settings(model, seed)
    trainer.setup(settings, SimpleNamespace(train=train, classes=[str(digit) for digit in range(10)]))
    order = Order(len(rows), 64, seed)
    began, cpu = time.perf_counter(), time.process_time()
    for step in range(steps):
        rows = order.at(step)
        settings.step_rows = len(rows)
        trainer.step(rows)
    return {"steps": steps, "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}


class Settings:
    """What the trainer reads of a run, with the values of its experiment.yaml."""

    device, precision, deterministic, gradient_checkpointing = "cpu", "fp32", True, False
    micro_rows, step_rows, ranks = 64, 0, Ranks()

    def __init__(self, model: str, seed: int):
        self.seed, self.params, self._read_params = seed, {"model": model, "lr": 0.002}, set()

    param = Run.param


def example():
    path = Path(__file__).parents[1] / "examples" / "digits-torch" / "train.py"
    spec = importlib.util.spec_from_file_location("digits_torch", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *map(int, sys.argv[4:5]))))
