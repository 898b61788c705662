"""`run.json` as Python: what to do, where, and how long."""

import json
import os
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from . import states
from .data import Data
from .environment import environment
from .events import Events, NoEvents
from .exits import Rejected, Stopped
from .ranks import Ranks
from .stall import Stall

_missing = object()


@dataclass(frozen=True)
class Budget:
    epochs: int | None
    steps: int | None
    wall_clock_seconds: float | None
    used_seconds: float


class Run:
    """One start of a trainer. `step`, `samples` and `used_seconds` go on from the checkpoint it resumes."""

    def __init__(self, spec: dict):
        if spec.get("contract") != 1:
            raise Rejected(f"run.json has contract {spec.get('contract')!r}; this assay_runtime speaks contract 1")
        if spec.get("mode") not in ("train", "evaluate", "latency"):
            raise Rejected(f"run.json has mode {spec.get('mode')!r}; expected train, evaluate or latency")
        try:
            self.mode: str = spec["mode"]
            self.experiment: str = spec["experiment"]
            self.variant: str = spec["variant"]
            self.seed: int = spec["seed"]
            self.epoch: int = spec["epoch"]
            self.params: dict = spec["params"]
            self.model = Path(spec["model"]) if spec["model"] else None
            budget = spec["budget"]
            self.budget = Budget(budget["epochs"], budget["steps"], budget["wallClockSeconds"], budget["usedSeconds"])
            self.batch_size: int = spec["batchSize"]
            self.micro_batch_size: int = spec["microBatchSize"]
            self.evaluation_batch_size: int = spec["evaluationBatchSize"]
            self.precision: str = spec["precision"]
            self.gradient_checkpointing: bool = spec["gradientCheckpointing"]
            self.device: str = spec["device"]
            self.devices: list = spec["devices"]
            self.world_size: int = spec["worldSize"]
            self.deterministic: bool = spec["deterministic"]
            self.data = Data(spec["data"])
            self.resume = Path(spec["resume"]) if spec["resume"] else None
            self.warm_start = Path(spec["warmStart"]) if spec.get("warmStart") else None
            self.checkpoints = Path(spec["checkpoints"])
            self.out = Path(spec["out"])
            self.checkpoint_every_seconds: float = spec["checkpointEverySeconds"]
            self.grace_seconds: float = spec["graceSeconds"]
            self.warmup_steps: int = spec["warmupSteps"]
            self.latency_blocks: int = spec["latencyBlocks"]
        except KeyError as error:
            raise Rejected(f"run.json lacks {error.args[0]!r}") from error
        self.step = 0
        self.samples = 0
        self.used_seconds = float(self.budget.used_seconds)
        self.stop_requested = False
        self.ranks = Ranks()
        self.stall = Stall()
        # Rows of the step under way, over all ranks.
        self.step_rows = 0
        self._interruptible = False
        self._read_params: set[str] = set()

    @classmethod
    def load(cls, path: str | None = None) -> "Run":
        """Reads the file that ASSAY_RUN names, seeds every generator, and answers SIGTERM from here on."""
        path = path or os.environ.get("ASSAY_RUN")
        if not path:
            raise Rejected("ASSAY_RUN is not set; it names the run.json that assay writes for each run")
        try:
            run = cls(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise Rejected(f"cannot read {path}: {error}") from error
        run.ranks = Ranks.of_environment(run.world_size, run.mode)
        run.out.mkdir(parents=True, exist_ok=True)
        if run.ranks.rank == 0:
            (run.out / "result.json").unlink(missing_ok=True)
        states.seed_all(run.seed)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, run._on_sigterm)
        return run

    def fit(self, trainer) -> None:
        """Trains, evaluates or measures latency, as `mode` says (see `loop.py` for what a trainer has)."""
        from .loop import perform

        perform(self, trainer)

    def param(self, name: str, default=_missing, kind: type = object, low=None, high=None, one_of=None):
        """A parameter, checked: a wrong one ends the run with exit code 78 and one sentence. Whole numbers serve as floats."""
        self._read_params.add(name)
        if name not in self.params:
            if default is _missing:
                raise Rejected(f"params.{name} is missing")
            return default
        value = self.params[name]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind in (int, float)):
            raise Rejected(f"params.{name} is {value!r}; expected {_names[kind]}")
        if one_of is not None and value not in one_of:
            raise Rejected(f"params.{name} is {value!r}; expected one of {', '.join(map(str, one_of))}")
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            bounds = f"from {low} to {high}" if high is not None and low is not None else f"at least {low}" if high is None else f"at most {high}"
            raise Rejected(f"params.{name} is {value!r}; expected {bounds}")
        return value

    def unread_params(self) -> list[str]:
        return sorted(set(self.params) - self._read_params)

    def model_file(self, path: Path) -> Path:
        """The file of a model given as a file, or as a folder that holds exactly one."""
        if path.is_file():
            return path
        files = sorted(entry for entry in path.iterdir() if entry.is_file()) if path.is_dir() else []
        if len(files) != 1:
            raise Rejected(f"model {path} is neither a file nor a folder with exactly one file (found {len(files)})")
        return files[0]

    @cached_property
    def events(self) -> Events | NoEvents:
        if self.ranks.rank > 0:
            return NoEvents(self.ranks.rank)
        return Events(self.out / "events.jsonl", self.step if self.resume else None)

    @property
    def micro_rows(self) -> int:
        """Rows of one forward pass on this rank: like the batch size, the micro-batch size counts over all ranks."""
        return max(1, self.micro_batch_size // self.ranks.size)

    @contextmanager
    def loading(self):
        """Around what waits for data inside a step: it counts as `data_seconds`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.stall.waited += time.perf_counter() - began

    @contextmanager
    def interruptible(self):
        """Inside, SIGTERM raises `Stopped` at once instead of waiting for the end of the step."""
        if self.stop_requested:
            raise Stopped
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    def environment(self) -> dict:
        """Versions of what is loaded, threads, BLAS, processor."""
        return environment(self.device)

    def _on_sigterm(self, *_) -> None:
        self.stop_requested = True
        if self._interruptible:
            raise Stopped


_names = {int: "a whole number", float: "a number", str: "text", bool: "true or false", list: "a list", dict: "a mapping", object: "anything"}
