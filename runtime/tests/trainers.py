"""Trainer processes as assay starts them: `run.json`, the process, and what it wrote. Needs no pytest."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

RUNTIME = Path(__file__).parents[1]
EXAMPLES = RUNTIME.parent / "examples"


class Started:
    """One trainer process and the folder it writes to."""

    def __init__(self, folder, script, data, changes, processes=1, variables=None):
        """`processes` above 1: by the launcher, a process a rank. `variables`: more of the environment."""
        self.out, self.checkpoints = folder / "out", folder / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        run = run_file(folder, data) | changes
        (folder / "run.json").write_text(json.dumps(run))
        launcher = ["-m", "assay_runtime.launch", "--processes", str(processes), "--"] if processes > 1 else []
        self.process = subprocess.Popen(
            [sys.executable, *launcher, script],
            env=environment(**(variables or {}), ASSAY_RUN=str(folder / "run.json")),
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
