"""examples/digits-torch with the CPU seconds of the training in its last step's metrics; for overhead.mjs."""

import time

from bare import example

from assay_runtime import main

_cpu = time.process_time


class Trainer(example().Trainer):
    began = None

    def step(self, rows):
        if self.began is None:
            self.began = _cpu()
        found = super().step(rows)
        return {**found, "cpu_seconds": _cpu() - self.began}


if __name__ == "__main__":
    main(Trainer())
