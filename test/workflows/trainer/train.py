"""Softmax regression that can be told to die or to dawdle, for the recording of histories."""

import os
import signal
import time

from assay_runtime import main

import numpy as np


class Softmax:
    def setup(self, run, data):
        self.run = run
        self.rate = run.param("rate", 0.5, float, low=0)
        self.pause = run.param("pause", 0.0, float, low=0)
        self.dies_at = run.param("dies_at", 0, int, low=0)
        self.x, self.y = data.train.x, data.train.y
        self.weights = np.zeros((self.x.shape[1], len(data.classes)))

    def step(self, rows):
        time.sleep(self.pause)
        if self.run.epoch == 1 and self.dies_at and self.run.step >= self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        scores, wanted = self.scores(self.x[rows]), np.eye(self.weights.shape[1])[self.y[rows]]
        self.weights -= self.rate * self.x[rows].T @ (scores - wanted) / len(rows)
        return {"loss": -np.log(scores[np.arange(len(rows)), self.y[rows]]).mean()}

    def scores(self, x):
        powers = x @ self.weights
        powers = np.exp(powers - powers.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def state(self):
        return {"weights": self.weights}

    def load_state(self, state):
        self.weights = state["weights"]

    def save_model(self, folder):
        np.savez(folder / "softmax.npz", **self.state())

    def load_model(self, run, path):
        with np.load(run.model_file(path)) as state:
            self.load_state(state)


main(Softmax())
