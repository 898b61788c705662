"""A small PyTorch trainer in float64 without dropout, so that micro-batches and ranks change nothing but rounding."""

import json
import os
import signal

from assay_runtime import main, with_torch

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Linear:
    def setup(self, run, data):
        self.run, self.fail = run, run.param("fail", None, str)
        with_torch.prepare(run)
        self.x, self.y = torch.from_numpy(data.train.x / 16), torch.from_numpy(data.train.y)
        self.model = nn.Sequential(nn.Sequential(nn.Linear(64, 16), nn.Tanh()), nn.Linear(16, 10)).double()
        with_torch.recompute(run, self.model[0])
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.5, momentum=0.9)
        self.update = with_torch.Update(run, self.model, self.optimizer, clip=run.param("clip", None, float))
        self.parts = {"model": self.model, "optimizer": self.optimizer, "update": self.update}
        self.seen = open(run.out / f"seen-{run.ranks.rank}.jsonl", "a", buffering=1)

    def step(self, rows):
        self.seen.write(json.dumps({"step": self.run.step, "rows": rows.tolist(), "noise": np.random.random()}) + "\n")
        if self.fail == "memory" and self.run.step == 2 and self.run.ranks.rank == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self.update(rows, self.loss)

    def loss(self, rows):
        scores = self.model(self.x[rows])
        return functional.cross_entropy(scores, self.y[rows], reduction="none"), {"accuracy": scores.argmax(1) == self.y[rows]}

    def scores(self, x):
        if self.fail == "stop in scores":
            self.fail = None
            os.kill(os.getpid(), signal.SIGTERM)
        with torch.inference_mode():
            return torch.softmax(self.model(torch.from_numpy(x / 16)), dim=1).numpy()

    def state(self):
        return with_torch.pack(**self.parts)

    def load_state(self, state):
        with_torch.unpack(state, **self.parts)

    def save_model(self, folder):
        with_torch.save(folder / "model.pt", model=self.model)


if __name__ == "__main__":
    main(Linear())
