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

    def step(self, rows):
        rows = torch.from_numpy(rows).to(self.device)
        loss = correct = 0.0
        for part in rows.split(self.run.micro_batch_size):
            with with_torch.autocast(self.run):
                scores = self.model(self.x[part])
                share = functional.cross_entropy(scores, self.y[part], reduction="sum") / len(rows)
            share.backward()
            loss += share.item()
            correct += (scores.argmax(1) == self.y[part]).sum().item()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.schedule.step()
        return {"loss": loss, "accuracy": correct / len(rows), **with_torch.memory(self.run)}

    def state(self):
        return with_torch.pack(model=self.model, optimizer=self.optimizer, schedule=self.schedule)

    def load_state(self, state):
        with_torch.unpack(state, model=self.model, optimizer=self.optimizer, schedule=self.schedule)

    def scores(self, x):
        self.model.eval()
        with torch.inference_mode():
            found = torch.softmax(self.model(self._images(x)).double(), dim=1).cpu().numpy()
        self.model.train()
        return found

    def save_model(self, folder):
        (folder / "model.pt").write_bytes(with_torch.pack(model=self.model))

    def load_model(self, run, path):
        self._build(run, len(run.data.classes))
        with_torch.unpack(run.model_file(path).read_bytes(), model=self.model)

    def _build(self, run, classes):
        self.run, self.device = run, with_torch.prepare(run)
        model = run.param("model", kind=str, one_of=MODELS)
        self.model = MODELS[model](run, classes).to(self.device)

    def _images(self, x):
        return torch.from_numpy(x / 16).float().reshape(-1, 1, 8, 8).to(self.device)


def mlp(run, classes):
    hidden = run.param("hidden", 128, int, low=1)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.1), nn.Linear(hidden, classes))


def cnn(run, classes):
    channels = run.param("channels", 16, int, low=1)
    return nn.Sequential(
        *(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(2 * channels * 16, classes)),
    )


MODELS = {"mlp": mlp, "cnn": cnn}

if __name__ == "__main__":
    main(Trainer())
