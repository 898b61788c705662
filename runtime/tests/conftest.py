"""Real runs of the examples: a snapshot of the digits as assay makes it, `run.json`, and a trainer process."""

import hashlib
import json
import subprocess
import sys

import pytest
from trainers import EXAMPLES, RUNTIME, Started, environment, run_file, wait_for

__all__ = ["EXAMPLES", "RUNTIME", "environment", "run_file", "wait_for"]


@pytest.fixture(scope="session")
def digits_csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("digits") / "data" / "digits.csv"
    subprocess.run([sys.executable, "-m", "assay_runtime.builtin", "digits", path], check=True, env=environment())
    return path


@pytest.fixture(scope="session")
def data(digits_csv):
    """The `data` part of run.json, split by the stable hash of the id: 0.2 test, 0.1 validation."""
    folder = digits_csv.parent.parent
    splits = {"train": [], "validation": [], "test": []}
    for row, line in enumerate(digits_csv.read_text().splitlines()[1:]):
        name, label = line.split(",")[:2]
        u = int.from_bytes(hashlib.sha256(f"0:{name}".encode()).digest()[:8], "big") / 2**64
        splits["test" if u < 0.2 else "validation" if u < 0.3 else "train"].append({"id": name, "label": label, "row": row})
    paths = {}
    for name, examples in splits.items():
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(example) + "\n" for example in examples))
        paths[name] = str(path)
    classes = [str(digit) for digit in range(10)]
    return {"dir": str(digits_csv.parent), "label": "label", "id": "id", "classes": classes, "splits": paths}


@pytest.fixture
def launch(tmp_path, data):
    """Starts trainers in folders of this test, and leaves none running."""
    started = []

    def start(name, script, processes=1, **changes):
        trainer = Started(tmp_path / name, script, data, changes, processes)
        started.append(trainer)
        return trainer

    yield start
    for trainer in started:
        if trainer.process.poll() is None:
            trainer.process.kill()
            trainer.process.wait()
