"""`out/predictions/`, `out/model/` and `out/result.json`, the last by rename."""

import io
import shutil
from pathlib import Path

import numpy as np

from .data import Split
from .files import replace_folder, write_file, write_json


def write_predictions(out: Path, test: Split, scores, ids=None) -> dict:
    """Checks and writes predictions over the test split, and returns its accuracy and log loss.

    `scores`: rows in the order of `test`, or of `ids` where given. A fault is a crash: it is the trainer's, not the data's.
    """
    scores = np.asarray(scores)
    if scores.dtype not in (np.float32, np.float64):
        scores = scores.astype(np.float64)
    ids = test.ids if ids is None else np.asarray(ids)
    labels = _labels_of(test, ids)
    expected = (len(test), len(test.data.classes))
    if scores.shape != expected:
        raise ValueError(f"scores have shape {scores.shape}; expected {expected}, a row a test example and a column a class")
    if not np.isfinite(scores).all():
        row = int(np.argmin(np.isfinite(scores).all(axis=1)))
        raise ValueError(f"scores of test example {ids[row]} are not finite: {scores[row].tolist()}")
    sums = scores.sum(axis=1, dtype=np.float64)
    worst = int(np.argmax(np.abs(sums - 1)))
    if abs(sums[worst] - 1) > 1e-4:
        raise ValueError(f"scores of test example {ids[worst]} sum to {sums[worst]:.6f}; expected 1 within 0.0001")
    folder = out / "predictions"
    for name, array in (("ids", ids), ("labels", labels.astype(np.int32)), ("scores", np.ascontiguousarray(scores))):
        content = io.BytesIO()
        np.save(content, array, allow_pickle=False)
        write_file(folder / f"{name}.npy", content.getvalue())
    chosen = np.clip(scores[np.arange(len(labels)), labels].astype(np.float64), 1e-15, 1)
    return {"accuracy": float((scores.argmax(axis=1) == labels).mean()), "log_loss": float(-np.log(chosen).mean())}


def write_model(out: Path, save) -> None:
    """Calls `save(folder)` on a fresh folder and renames it to `out/model`."""
    writing = out / ".model.writing"
    shutil.rmtree(writing, ignore_errors=True)
    writing.mkdir(parents=True)
    save(writing)
    replace_folder(writing, out / "model")


def write_result(out: Path, metrics: dict, steps: int, samples: int, environment: dict) -> None:
    finite = {name: float(value) for name, value in metrics.items() if np.isfinite(value)}
    write_json(out / "result.json", {"metrics": finite, "steps": steps, "samples": samples, "environment": environment})


def _labels_of(test: Split, ids: np.ndarray) -> np.ndarray:
    if ids is test.ids:
        return test.y
    position = {value: index for index, value in enumerate(test.ids.tolist())}
    given = ids.tolist()
    if len(given) != len(position) or set(given) != set(position):
        missing = sorted(set(position) - set(given), key=str)
        raise ValueError(f"predictions have {len(given)} ids ({len(set(given))} different); {len(missing)} of {len(position)} test ids are missing, first {missing[:3]}")
    return test.y[[position[value] for value in given]]
