"""examples/digits-torch with the CPU seconds and peak memory of the training in its steps, at a pace where one is given; for containers."""

import resource
import time

from assay_runtime import main

from train import Trainer


class Timed(Trainer):
    began = None

    def setup(self, run, data):
        self.pace = run.param("pace", 0.0, float, low=0)
        super().setup(run, data)

    def step(self, rows):
        if self.began is None:
            self.began = time.process_time()
        if self.pace > 0:
            time.sleep(self.pace)
        found = super().step(rows)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {**found, "cpu_seconds": time.process_time() - self.began, "peak_bytes": peak}


if __name__ == "__main__":
    main(Timed())
