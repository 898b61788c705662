"""scikit-learn under the contract: an estimator trained step by step, kept as a pickle."""

import pickle
from pathlib import Path

import numpy as np


class Estimator:
    """A trainer whose whole state is `self.model`; a subclass gives `setup` and `step`."""

    model = None

    def state(self):
        return self.model

    def load_state(self, state) -> None:
        self.model = state

    def scores(self, x) -> np.ndarray:
        return self.model.predict_proba(x)

    def save_model(self, folder: Path) -> None:
        (folder / "model.pkl").write_bytes(pickle.dumps(self.model, protocol=5))

    def load_model(self, run, path: Path) -> None:
        self.model = pickle.loads(run.model_file(path).read_bytes())
