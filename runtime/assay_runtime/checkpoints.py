"""`checkpoints/step-<n>/`: always whole, whenever the process is killed."""

import hashlib
import json
import pickle
import shutil
from pathlib import Path

from .files import replace_folder

KEPT = 3


def write_checkpoint(root: Path, step: int, state: dict, facts: dict) -> Path:
    """Saves `state` (any picklable value); `facts` is what a person or another language may read of it."""
    target = root / f"step-{step}"
    writing = root / f".step-{step}.writing"
    shutil.rmtree(writing, ignore_errors=True)
    writing.mkdir(parents=True)
    content = pickle.dumps(state, protocol=5)
    (writing / "state.pkl").write_bytes(content)
    record = {"contract": 1, "step": step, **facts, "sha256": hashlib.sha256(content).hexdigest()}
    (writing / "checkpoint.json").write_text(json.dumps(record, indent=2) + "\n")
    replace_folder(writing, target)
    _drop_oldest(root)
    return target


def read_checkpoint(path: Path) -> tuple[dict, dict]:
    """The state and the facts; a damaged checkpoint is a crash, so that its owner can go back to the one before."""
    facts = json.loads((path / "checkpoint.json").read_text())
    content = (path / "state.pkl").read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != facts["sha256"]:
        raise RuntimeError(f"checkpoint {path} is damaged: state.pkl has SHA-256 {found}, expected {facts['sha256']}")
    return pickle.loads(content), facts


def _drop_oldest(root: Path) -> None:
    """Keeps the newest three: assay stores each as it appears. Renamed first, so that no kill leaves half of one under its name."""
    steps = sorted(int(path.name.removeprefix("step-")) for path in root.glob("step-*"))
    for step in steps[:-KEPT]:
        dropped = root / f".step-{step}.old"
        (root / f"step-{step}").rename(dropped)
        shutil.rmtree(dropped, ignore_errors=True)


def remove_unfinished(root: Path) -> None:
    """Leftovers of a start that was killed while it wrote."""
    for path in root.glob(".step-*"):
        shutil.rmtree(path, ignore_errors=True)
