"""Makes models/linear.npz and models/network.npz again: `PYTHONPATH=../../runtime python make_models.py [FOLDER]`.

Only rows of the train split are used. A row's split follows from its id alone, by assay's rule: with u = the first 8 bytes of
SHA-256 of "<seed>:<id>" as a big-endian number, divided by 2^64: u < test -> test, u < test + validation -> validation,
else train. The shares and the seed below are those of experiment.yaml.
"""

import hashlib
import sys
from pathlib import Path

from assay_runtime.builtin import digits

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

TEST, VALIDATION, SEED = 0.4, 0.1, 0


def make(folder: Path) -> None:
    rows = [line.split(",") for line in digits().splitlines()[1:]]
    rows = [row for row in rows if position(row[0]) >= TEST + VALIDATION]
    x = np.array([row[2:] for row in rows], dtype=np.float64) / 16
    y = np.array([int(row[1]) for row in rows])
    linear = LogisticRegression(C=0.5, max_iter=300).fit(x, y)
    network = MLPClassifier((32,), alpha=1e-3, max_iter=150, random_state=1, tol=0, n_iter_no_change=150).fit(x, y)
    save(folder / "linear.npz", [(linear.coef_.T, linear.intercept_)])
    save(folder / "network.npz", list(zip(network.coefs_, network.intercepts_)))


def position(unit: str) -> float:
    return int.from_bytes(hashlib.sha256(f"{SEED}:{unit}".encode()).digest()[:8], "big") / 2**64


def save(path: Path, layers) -> None:
    # Three decimals: enough for the same predictions, and blind to the last bits in which processors differ.
    rounded = [(np.round(weights, 3).astype(np.float32), np.round(bias, 3).astype(np.float32)) for weights, bias in layers]
    names = [f"{kind}{index}" for index in range(len(rounded)) for kind in "wb"]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **dict(zip(names, [array for layer in rounded for array in layer])))


if __name__ == "__main__":
    import warnings

    # Both trainings are cut at a fixed number of iterations on purpose.
    warnings.filterwarnings("ignore", category=Warning, module="sklearn")
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "models")
