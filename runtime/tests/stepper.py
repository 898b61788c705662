"""A trainer small enough to be killed at any point: softmax regression in NumPy with noise from every generator."""

import os
import random
import signal
import sys
import threading

from assay_runtime import main

import numpy as np


class Stepper:
    def setup(self, run, data):
        self.run, self.x, self.y = run, data.train.x / 16, data.train.y
        self.weights = np.zeros((64, 10))
        self.ballast = np.zeros(run.param("ballast", 0, int, low=0))
        self.fail = run.param("fail", None, str)
        if self.fail == "stop in setup":
            os.kill(os.getpid(), signal.SIGTERM)

    def step(self, rows):
        if self.fail == "slow data":
            with self.run.loading():
                threading.Event().wait(0.01)
        gradient = self.x[rows].T @ (self.scores(self.x[rows] * 16) - np.eye(10)[self.y[rows]]) / len(rows)
        self.weights -= 0.5 * gradient + 1e-3 * (np.random.standard_normal(gradient.shape) + random.gauss(0, 1))
        if self.fail == "crash" and self.run.step == 5:
            raise RuntimeError("the loss ran away")
        if self.fail == "nan loss":
            return {"loss": float("nan"), "accuracy": np.float32(0.5)}
        return {"loss": float(abs(gradient).mean())}

    def scores(self, x):
        if getattr(self, "fail", None) == "nan scores":
            return np.full((len(x), 10), np.nan)
        if getattr(self, "fail", None) == "bad sums":
            return np.full((len(x), 10), 0.2)
        if getattr(self, "fail", None) == "stop in scores":
            self.fail = None
            os.kill(os.getpid(), signal.SIGTERM)
        exponentials = np.exp(x / 16 @ self.weights)
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def state(self):
        return {"weights": self.weights, "ballast": self.ballast}

    def load_state(self, state):
        self.weights = state["weights"]

    def save_model(self, folder):
        np.savez(folder / "weights.npz", weights=self.weights)

    def load_model(self, run, path):
        print("this line must not reach the turns")
        sys.stdout.flush()
        self.weights = np.load(run.model_file(path))["weights"]


if __name__ == "__main__":
    main(Stepper())
