"""Two classes by softmax regression in single precision; `solver` is a library beside the interpreter, which tests exchange."""

import os

import numpy as np
import solver
from assay_runtime import main


class Clouds:
    def setup(self, run, data):
        self.rate = run.param("rate", 0.5, float)
        self.x, self.y = data.train.x.astype(np.float32), np.eye(len(data.classes), dtype=np.float32)[data.train.y]
        self.weights = np.zeros((self.x.shape[1], len(data.classes)), dtype=np.float32)
        # As a library with threads would: each sums its own part.
        self.threads = int(os.environ["OMP_NUM_THREADS"])

    def step(self, rows):
        scores, wanted = self.scores(self.x[rows]), self.y[rows]
        parts = zip(np.array_split(self.x[rows], self.threads), np.array_split(scores - wanted, self.threads))
        gradient = sum(x.T @ error for x, error in parts)
        self.weights = solver.update(self.weights, gradient / np.float32(len(rows)), np.float32(self.rate))
        return {"loss": -np.log(scores[wanted > 0]).mean()}

    def scores(self, x):
        powers = np.exp(x.astype(np.float32) @ self.weights)
        return powers / powers.sum(axis=1, keepdims=True)

    def state(self):
        return self.weights

    def load_state(self, state):
        self.weights = state

    def save_model(self, folder):
        np.save(folder / "weights.npy", self.weights)

    def load_model(self, run, path):
        self.weights = np.load(run.model_file(path))


main(Clouds())
