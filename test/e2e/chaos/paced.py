"""The PyTorch training of examples/digits-torch, slowed to a pace, so that several share two cores; it says which phase it is in."""

import os
import time
from pathlib import Path

from assay_runtime import main

from train import Trainer


class Paced(Trainer):
    def setup(self, run, data):
        self.phase = Path(run.out) / "phase"
        self._enter("starting")
        self.pace = run.param("pace", 0.0, float)
        self.linger = run.param("linger", 0.0, float)
        time.sleep(self.linger)
        super().setup(run, data)

    def step(self, rows):
        if self.now != "training":
            self._enter("training")
        time.sleep(self.pace)
        return super().step(rows)

    def state(self):
        self._enter("checkpointing")
        time.sleep(self.linger / 2)
        return super().state()

    def scores(self, x):
        if self.now != "evaluating":
            self._enter("evaluating")
            time.sleep(self.linger)
        return super().scores(x)

    def _enter(self, phase):
        self.now = phase
        written = self.phase.with_suffix(".new")
        written.write_text(phase)
        os.replace(written, self.phase)


if __name__ == "__main__":
    main(Paced())
