"""`checkpoints/step-<n>/`: always whole, whenever the process is killed; written beside the training."""

import hashlib
import json
import pickle
import shutil
import threading
import time
from pathlib import Path

from .files import replace_folder

KEPT = 3


class Frozen:
    """A trainer's state that nothing changes any more: it is pickled while the training goes on."""

    def __init__(self, value):
        self.value = value


class Writer:
    """Writes checkpoints in a thread, one at a time. A write that failed is raised at the next call."""

    def __init__(self, root: Path, written):
        """`written(step, facts, seconds, blocked)` is called in the thread once a checkpoint is whole; `blocked`: what the training waited."""
        self._root, self._written = root, written
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind, *_) -> None:
        """A checkpoint under way is finished, whatever ended the training."""
        if self._thread is not None:
            self._thread.join()
        if kind is None:
            self.check()

    def write(self, step: int, state: dict, facts: dict, began: float) -> None:
        """Returns once the state cannot be changed by what the trainer does next. `began`: when its making began, by `perf_counter`."""
        self.wait()
        trainer = state["trainer"]
        if not isinstance(trainer, Frozen):
            state = {**state, "trainer": pickle.dumps(trainer, protocol=5)}
        blocked = time.perf_counter() - began
        self._thread = threading.Thread(target=self._write, args=(step, state, facts, began, blocked), name="checkpoint")
        self._thread.start()

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.check()

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def _write(self, step: int, state: dict, facts: dict, began: float, blocked: float) -> None:
        try:
            _write_folder(self._root, step, state, facts)
            self._written(step, facts, time.perf_counter() - began, blocked)
        except BaseException as error:
            self._error = error


def read_checkpoint(path: Path) -> tuple[dict, dict]:
    """The state and the facts; a damaged checkpoint is a crash, so that its owner can go back to the one before."""
    facts = json.loads((path / "checkpoint.json").read_text())
    content = (path / "state.pkl").read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != facts["sha256"]:
        raise RuntimeError(f"checkpoint {path} is damaged: state.pkl has SHA-256 {found}, expected {facts['sha256']}")
    state = pickle.loads(content)
    if not isinstance(state["trainer"], Frozen):
        state["trainer"] = pickle.loads(state["trainer"])
    return state, facts


def remove_unfinished(root: Path) -> None:
    """Leftovers of a start that was killed while it wrote."""
    for path in root.glob(".step-*"):
        shutil.rmtree(path, ignore_errors=True)


def _write_folder(root: Path, step: int, state: dict, facts: dict) -> None:
    """`facts` is what a person or another language may read of the state."""
    writing = root / f".step-{step}.writing"
    shutil.rmtree(writing, ignore_errors=True)
    writing.mkdir(parents=True)
    with open(writing / "state.pkl", "wb") as file:
        hashed = _Hashed(file)
        # Large arrays go to the file piece by piece, with the interpreter free for the training meanwhile.
        pickle.Pickler(hashed, protocol=5).dump(state)
    record = {"contract": 1, "step": step, **facts, "sha256": hashed.digest.hexdigest()}
    (writing / "checkpoint.json").write_text(json.dumps(record, indent=2) + "\n")
    replace_folder(writing, root / f"step-{step}")
    _drop_oldest(root)


class _Hashed:
    def __init__(self, file):
        self._file, self.digest = file, hashlib.sha256()

    def write(self, content) -> int:
        self.digest.update(content)
        return self._file.write(content)


def _drop_oldest(root: Path) -> None:
    """Keeps the newest three: assay stores each as it appears. Renamed first, so that no kill leaves half of one under its name."""
    steps = sorted(int(path.name.removeprefix("step-")) for path in root.glob("step-*"))
    for step in steps[:-KEPT]:
        dropped = root / f".step-{step}.old"
        (root / f"step-{step}").rename(dropped)
        shutil.rmtree(dropped, ignore_errors=True)
