"""The order of the training rows, as a function of seed and step: resuming at a step needs no other state."""

import numpy as np


class Order:
    """Each epoch is a fresh permutation, cut into batches; the last one of an epoch may be smaller."""

    def __init__(self, rows: int, batch: int, seed: int):
        self.rows, self.batch, self.seed = rows, min(batch, rows), seed
        self.steps_per_epoch = -(-rows // self.batch)
        self._epoch = -1
        self._permutation = np.arange(0)

    def at(self, step: int) -> np.ndarray:
        """Row numbers of the batch of step `step`, counted from 0."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._permutation = np.random.default_rng([self.seed, epoch]).permutation(self.rows)
        return self._permutation[position * self.batch : (position + 1) * self.batch]
