"""A trainer whose activations grow with the micro-batch, under a limit of device memory: what fits is a matter of the remedies."""

from assay_runtime import main, with_torch

import torch
from torch import nn
from torch.nn import functional

# Values kept for the way back: blocks x layers x width x 4 bytes a row, 8 MiB.
BLOCKS, LAYERS, WIDTH = 4, 4, 131_072


class Spread(nn.Module):
    def forward(self, x):
        return x.unsqueeze(2).expand(-1, -1, WIDTH // x.shape[1]).reshape(len(x), WIDTH)


class Bend(nn.Module):
    def forward(self, wide):
        for _ in range(LAYERS):
            wide = torch.tanh(wide)
        return wide


class Gather(nn.Module):
    def forward(self, wide):
        return wide.reshape(len(wide), 64, -1).mean(dim=2)


class Hungry:
    def setup(self, run, data):
        self._build(run)
        self.x, self.y = self._features(data.train.x), torch.from_numpy(data.train.y).to(self.device)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        self.update = with_torch.Update(run, self.model, self.optimizer)
        self.parts = {"model": self.model, "optimizer": self.optimizer, "update": self.update}
        limit = run.param("memory_mib", None, int, low=1)
        if limit is not None and run.device == "cuda":
            # PyTorch raises its own out-of-memory error beyond this share of the device.
            total = torch.cuda.get_device_properties(self.device).total_memory
            torch.cuda.set_per_process_memory_fraction(min(limit * 2**20 / total, 1.0), self.device)

    def step(self, rows):
        return self.update(rows, self.loss)

    def loss(self, rows):
        scores = self.model(self.x[rows])
        return functional.cross_entropy(scores, self.y[rows], reduction="none"), {"accuracy": scores.argmax(1) == self.y[rows]}

    def scores(self, x):
        with torch.inference_mode():
            return torch.softmax(self.model(self._features(x)).double(), dim=1).cpu().numpy()

    def state(self):
        return with_torch.pack(**self.parts)

    def load_state(self, state):
        with_torch.unpack(state, **self.parts)

    def save_model(self, folder):
        with_torch.save(folder / "model.pt", model=self.model)

    def load_model(self, run, path):
        self._build(run)
        with_torch.load(run.model_file(path), model=self.model)

    def _build(self, run):
        self.device = with_torch.prepare(run)
        bends = [Bend() for _ in range(BLOCKS)]
        self.model = nn.Sequential(nn.Linear(64, 64), Spread(), *bends, Gather(), nn.Linear(64, 10)).to(self.device)
        with_torch.recompute(run, *bends)

    def _features(self, x):
        return torch.from_numpy(x / 16).float().to(self.device)


if __name__ == "__main__":
    main(Hungry())
