"""Mode latency: turns on standard input and output, one measured block each."""

import gc
import json
import os
import statistics
import sys
import time

from .exits import Rejected


def serve_turns(run, trainer) -> None:
    """Answers each `{"block": n}` with `{"done": n}` after one pass over the evaluation batches; end of input ends it."""
    from .loop import load_model

    if run.ranks.rank > 0:
        return
    # Only answers go to the real standard output; whatever the trainer prints goes to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with run.interruptible(), open(run.out / "latency.jsonl", "w") as log:
        load_model(run, trainer)
        batches = _batches(run)
        warm = False
        for line in sys.stdin:
            if not line.strip():
                continue
            block = json.loads(line)["block"]
            if not warm:
                warmup = [batches[index % len(batches)] for index in range(run.warmup_steps)]
                _record(log, block, _measure(run, trainer, warmup), True)
                warm = True
            measured = _measure(run, trainer, batches)
            _record(log, block, measured, False)
            run.events.emit("latency", block=block, median_ms=round(statistics.median(ms for _, ms in measured), 4))
            answers.write(json.dumps({"done": block}) + "\n")
            answers.flush()


def _batches(run) -> list:
    """Full evaluation batches only, so that every measurement is of the same size; a smaller test split is one batch."""
    x, size = run.data.test.x, run.evaluation_batch_size
    if not len(x):
        raise Rejected("the test split is empty")
    return [x[start : start + size] for start in range(0, max(len(x) - size, 0) + 1, size)]


def _measure(run, trainer, batches: list) -> list[tuple[int, float]]:
    """(rows, milliseconds) a batch by the monotonic clock. The collector rests meanwhile, so that its pauses are not charged to a variant."""
    finish = _finisher(run)
    gc.collect()
    gc.disable()
    try:
        measured = []
        for batch in batches:
            finish()
            start = time.perf_counter_ns()
            trainer.scores(batch)
            finish()
            measured.append((len(batch), (time.perf_counter_ns() - start) / 1e6))
        return measured
    finally:
        gc.enable()


def _finisher(run):
    """Waits for the device, so that a measurement holds all work of its batch and none of another's."""
    torch = sys.modules.get("torch")
    return torch.cuda.synchronize if run.device == "cuda" and torch is not None else lambda: None


def _record(log, block: int, measured: list[tuple[int, float]], warmup: bool) -> None:
    for step, (batch, ms) in enumerate(measured):
        log.write(json.dumps({"block": block, "step": step, "batch": batch, "ms": ms, "warmup": warmup}) + "\n")
    log.flush()
