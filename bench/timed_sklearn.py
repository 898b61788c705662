"""examples/digits with the CPU seconds of the training in its last step's metrics; for streaming.mjs on a machine without PyTorch."""

import importlib.util
import time
from pathlib import Path

from assay_runtime import main

_place = Path(__file__).resolve().parent.parent / "examples" / "digits" / "train.py"
_spec = importlib.util.spec_from_file_location("digits_train", _place)
example = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(example)


class Trainer(example.Trainer):
    began = None

    def step(self, rows):
        if self.began is None:
            self.began = time.process_time()
        found = self.chosen.step(rows)
        return {**found, "cpu_seconds": time.process_time() - self.began}


if __name__ == "__main__":
    main(Trainer())
