"""What happens between `run.json` and `result.json`, for any trainer.

A trainer is an object with
  setup(run, data)         build the model; `data.train.x`, `data.train.y` are there (mode train only)
  step(rows) -> dict       one optimizer step on these rows of the train split; returns what to log: loss, accuracy, ...
  state() / load_state(s)  everything a resumed run needs beside the random states, as one picklable value
  scores(x) -> array       probabilities, a row an example and a column a class
  save_model(folder)       what serving needs
  load_model(run, path)    the same back (modes evaluate and latency), from such a folder or from the spec's model
  batch_size               optional: rows of a step where it is not the run's batch size
"""

import time

import numpy as np

from . import states
from .checkpoints import read_checkpoint, remove_unfinished, write_checkpoint
from .exits import Rejected, Stopped
from .latency import serve_turns
from .order import Order
from .outputs import write_model, write_predictions, write_result


def perform(run, trainer) -> None:
    {"train": _train, "evaluate": _evaluate, "latency": serve_turns}[run.mode](run, trainer)


def _train(run, trainer) -> None:
    trainer.setup(run, run.data)
    order = Order(len(run.data.train), getattr(trainer, "batch_size", None) or run.batch_size, run.seed)
    total = _total_steps(run, order)
    remove_unfinished(run.checkpoints)
    if run.resume:
        _restore(run, trainer, order)
    run.events.emit("start", step=run.step, total_steps=total, steps_per_epoch=order.steps_per_epoch, rows=order.rows, batch=order.batch)
    for name in run.unread_params():
        run.events.warning(f"params.{name} is never read by this trainer")
    last = _steps(run, trainer, order, total)
    try:
        with run.interruptible():
            scores = predict(run, trainer)
    except Stopped:
        _checkpoint(run, trainer, order)
        raise
    metrics = write_predictions(run.out, run.data.test, scores)
    run.events.emit("evaluation", step=run.step, **metrics)
    write_model(run.out, trainer.save_model)
    training = {f"train_{name}": value for name, value in last.items() if isinstance(value, (int, float, np.generic))}
    write_result(run.out, {**training, **metrics, "training_seconds": run.used_seconds}, run.step, run.samples, run.environment())


def _evaluate(run, trainer) -> None:
    with run.interruptible():
        load_model(run, trainer)
        scores = predict(run, trainer)
    metrics = write_predictions(run.out, run.data.test, scores)
    run.events.emit("evaluation", step=0, **metrics)
    write_result(run.out, metrics, 0, 0, run.environment())


def load_model(run, trainer) -> None:
    if run.model is None:
        raise Rejected(f"mode {run.mode} needs a model; run.json has none")
    if not run.model.exists():
        raise Rejected(f"model {run.model} does not exist")
    trainer.load_model(run, run.model)


def predict(run, trainer) -> np.ndarray:
    """Scores over the whole test split, in evaluation batches."""
    x, size = run.data.test.x, run.evaluation_batch_size
    return np.concatenate([np.asarray(trainer.scores(x[start : start + size])) for start in range(0, len(x), size)])


def _steps(run, trainer, order: Order, total: int | None) -> dict:
    clock, step_event, per_epoch = time.perf_counter, run.events.step, order.steps_per_epoch
    limit = run.budget.wall_clock_seconds
    used_before, began = run.used_seconds, clock()
    saved, metrics = began, {}
    while total is None or run.step < total:
        start = clock()
        run.used_seconds = used_before + start - began
        if run.stop_requested:
            _checkpoint(run, trainer, order)
            raise Stopped
        if limit is not None and run.used_seconds >= limit:
            run.events.emit("budget", step=run.step, used_seconds=round(run.used_seconds, 3))
            break
        if start - saved >= run.checkpoint_every_seconds and run.step > 0:
            _checkpoint(run, trainer, order)
            saved = start = clock()
        rows = order.at(run.step)
        metrics = trainer.step(rows) or {}
        run.step += 1
        run.samples += len(rows)
        step_event(run.step, metrics, len(rows) / max(clock() - start, 1e-9))
        if run.step % per_epoch == 0:
            run.events.emit("epoch", step=run.step, epoch=run.step // per_epoch, **metrics)
    run.used_seconds = used_before + clock() - began
    return metrics


def _total_steps(run, order: Order) -> int | None:
    limits = [run.budget.steps, run.budget.epochs and run.budget.epochs * order.steps_per_epoch]
    given = [limit for limit in limits if limit is not None]
    if not given and run.budget.wall_clock_seconds is None:
        raise Rejected("the budget has no end: give training.budget epochs, steps or wallClock")
    return min(given, default=None)


def _checkpoint(run, trainer, order: Order) -> None:
    if run.resume == run.checkpoints / f"step-{run.step}":
        return
    began = time.perf_counter()
    state = {"trainer": trainer.state(), "random": states.capture(), "samples": run.samples}
    facts = {
        "variant": run.variant,
        "seed": run.seed,
        "rows": order.rows,
        "batch": order.batch,
        "usedSeconds": round(run.used_seconds, 3),
    }
    write_checkpoint(run.checkpoints, run.step, state, facts)
    seconds = round(time.perf_counter() - began, 4)
    run.events.emit("checkpoint", step=run.step, used_seconds=facts["usedSeconds"], seconds=seconds)


def _restore(run, trainer, order: Order) -> None:
    state, facts = read_checkpoint(run.resume)
    expected = {"variant": run.variant, "seed": run.seed, "rows": order.rows, "batch": order.batch}
    for name, value in expected.items():
        if facts[name] != value:
            raise Rejected(f"checkpoint {run.resume} has {name} {facts[name]!r}, this run has {value!r}: it belongs to another run")
    trainer.load_state(state["trainer"])
    run.step, run.samples = facts["step"], state["samples"]
    run.used_seconds = max(run.used_seconds, facts["usedSeconds"])
    states.restore(state["random"])
