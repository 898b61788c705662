"""Handwritten digits by PyTorch: a multilayer perceptron against a convolutional network."""

from assay_runtime import main
from assay_runtime import with_torch

import torch
from torch import nn
from torch.nn import functional


class Trainer:
    def setup(self, run, data):
        self._build(run, len(data.classes))
        self.x, self.y = self._images(data.train.x), torch.from_numpy(data.train.y).to(self.device)
        rate = run.param("lr", 1e-3, float, low=0)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=rate)
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, run.param("decay", 0.9999, float, low=0, high=1))
        self.update = with_torch.Update(run, self.model, self.optimizer)
        self.parts = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule, "update": self.update}

    def step(self, rows):
        metrics = self.update(rows, self._loss)
        self.schedule.step()
        return metrics

    def state(self):
        return with_torch.pack(**self.parts)

    def load_state(self, state):
        with_torch.unpack(state, **self.parts)

    def warm_start(self, state):
        with_torch.unpack(state, model=self.model)

    def scores(self, x):
        self.model.eval()
        with torch.inference_mode():
            found = torch.softmax(self.model(self._images(x)).double(), dim=1).cpu().numpy()
        self.model.train()
        return found

    def save_model(self, folder):
        with_torch.save(folder / "model.pt", model=self.model)

    def load_model(self, run, path):
        self._build(run, len(run.data.classes))
        with_torch.load(run.model_file(path), model=self.model)

    def _loss(self, rows):
        scores = self.model(self.x[rows])
        return functional.cross_entropy(scores, self.y[rows], reduction="none"), {"accuracy": scores.argmax(1) == self.y[rows]}

    def _build(self, run, classes):
        self.device = with_torch.prepare(run)
        model = run.param("model", kind=str, one_of=MODELS)
        self.model = MODELS[model](run, classes).to(self.device)
        with_torch.recompute(run, self.model[0])

    def _images(self, x):
        return torch.from_numpy(x / 16).float().reshape(-1, 1, 8, 8).to(self.device)


def mlp(run, classes):
    hidden = run.param("hidden", 128, int, low=1)
    layers = nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.1))
    return nn.Sequential(layers, nn.Linear(hidden, classes))


def cnn(run, classes):
    channels = run.param("channels", 16, int, low=1)
    layers = nn.Sequential(
        *(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.1)),
    )
    return nn.Sequential(layers, nn.Linear(2 * channels * 16, classes))


MODELS = {"mlp": mlp, "cnn": cnn}

if __name__ == "__main__":
    main(Trainer())
