"""Real runs of the examples: a snapshot of the digits as assay makes it, `run.json`, and a trainer process."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

RUNTIME = Path(__file__).parents[1]
EXAMPLES = RUNTIME.parent / "examples"


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

    def start(name, script, **changes):
        trainer = Started(tmp_path / name, script, data, changes)
        started.append(trainer)
        return trainer

    yield start
    for trainer in started:
        if trainer.process.poll() is None:
            trainer.process.kill()
            trainer.process.wait()


class Started:
    """One trainer process and the folder it writes to."""

    def __init__(self, folder, script, data, changes):
        self.out, self.checkpoints = folder / "out", folder / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        run = run_file(folder, data) | changes
        (folder / "run.json").write_text(json.dumps(run))
        self.process = subprocess.Popen(
            [sys.executable, script],
            env=environment(ASSAY_RUN=str(folder / "run.json")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, code=0):
        """Waits for the end and returns standard error."""
        stdout, stderr = self.process.communicate(timeout=300)
        assert self.process.returncode == code, stderr
        return stderr

    def until_step(self, step):
        """Waits until that step and a checkpoint are written."""
        wait_for(lambda: self.process.poll() is not None or (self.steps()[-1:] >= [step] and self.newest() is not None))
        assert self.process.poll() is None, self.process.communicate()

    def events(self, type=None):
        path = self.out / "events.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        events = [json.loads(line) for line in lines]
        return [event for event in events if type in (None, event["type"])]

    def steps(self):
        return [event["step"] for event in self.events("step")]

    def newest(self):
        """The newest checkpoint folder, or None."""
        found = sorted(self.checkpoints.glob("step-*"), key=lambda path: int(path.name.removeprefix("step-")))
        return found[-1] if found else None

    def predictions(self):
        return {name: np.load(self.out / "predictions" / f"{name}.npy", allow_pickle=False) for name in ("ids", "labels", "scores")}

    def prediction_bytes(self):
        return {path.name: path.read_bytes() for path in sorted((self.out / "predictions").iterdir())}

    def result(self):
        return json.loads((self.out / "result.json").read_text())


def run_file(folder, data):
    return {
        "contract": 1,
        "mode": "train",
        "experiment": "tests",
        "variant": "a",
        "seed": 3,
        "epoch": 1,
        "params": {},
        "model": None,
        "budget": {"epochs": 2, "steps": None, "wallClockSeconds": None, "usedSeconds": 0},
        "batchSize": 64,
        "microBatchSize": 64,
        "evaluationBatchSize": 32,
        "precision": "fp32",
        "gradientCheckpointing": False,
        "device": "cpu",
        "devices": [],
        "worldSize": 1,
        "deterministic": True,
        "data": data,
        "resume": None,
        "checkpoints": str(folder / "checkpoints"),
        "out": str(folder / "out"),
        "checkpointEverySeconds": 30,
        "graceSeconds": 20,
        "warmupSteps": 10,
        "latencyBlocks": 3,
    }


def environment(**more):
    """What a trainer gets from assay and nothing of this session."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(RUNTIME), "PYTHONDONTWRITEBYTECODE": "1", **more}


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.002)
