"""What happens between `run.json` and `result.json`, for any trainer.

A trainer is an object with
  setup(run, data)         build the model; `data.train.x`, `data.train.y` are there (mode train only)
  step(rows) -> dict       one optimizer step on these rows of the train split; returns what to log: loss, accuracy, ...
  state() / load_state(s)  everything a resumed run needs beside the random states, as one picklable value
  scores(x) -> array       probabilities, a row an example and a column a class
  save_model(folder)       what serving needs
  load_model(run, path)    the same back (modes evaluate and latency), from such a folder or from the spec's model
  batch_size               optional: rows of a step where it is not the run's batch size
  warm_start(s)            optional: what to take of another run's state; all of it (`load_state`) where it is absent
"""

import time

import numpy as np

from . import states
from .checkpoints import Writer, read_checkpoint, remove_unfinished
from .digests import StateDigests, rows_digest
from .exits import Rejected, Stopped
from .latency import serve_turns
from .order import Order
from .outputs import write_model, write_predictions, write_result

GO, SAVE, STOP, SPENT = range(4)


def perform(run, trainer) -> None:
    {"train": _train, "evaluate": _evaluate, "latency": serve_turns}[run.mode](run, trainer)


def _train(run, trainer) -> None:
    run.ranks.join(run.device)
    trainer.setup(run, run.data)
    order = order_of(run, trainer)
    total = _total_steps(run, order)
    # Until here all ranks drew the same numbers, so that they begin with the same weights.
    states.seed_rank(run.seed, run.ranks.rank)
    if run.ranks.rank == 0:
        remove_unfinished(run.checkpoints)
    if run.resume:
        _restore(run, trainer, order)
    elif run.warm_start:
        _start_warm(run, trainer)
    run.events.emit("start", step=run.step, total_steps=total, steps_per_epoch=order.steps_per_epoch, rows=order.rows, batch=order.batch)
    for name in run.unread_params():
        run.events.warning(f"params.{name} is never read by this trainer")
    with Writer(run.checkpoints, _log_checkpoint(run)) as writer:
        digests = StateDigests(run, trainer)
        last = _steps(run, trainer, order, total, writer, digests)
        random = run.ranks.gather(states.capture(run.ranks))
        run.ranks.leave()
        if run.ranks.rank > 0:
            return
        digests.now(run.step)
        try:
            with run.interruptible():
                scores = predict(run, trainer)
        except Stopped:
            _checkpoint(run, trainer, order, writer, random)
            writer.wait()
            raise
        writer.wait()
    metrics = write_predictions(run.out, run.data.test, scores)
    run.events.emit("evaluation", step=run.step, **metrics)
    write_model(run.out, trainer.save_model)
    training = {f"train_{name}": value for name, value in last.items() if isinstance(value, (int, float, np.generic))}
    costs = {"training_seconds": run.used_seconds, "data_stall": run.stall.share()}
    write_result(run.out, {**training, **metrics, **costs}, run.step, run.samples, run.environment())


def _evaluate(run, trainer) -> None:
    if run.ranks.rank > 0:
        return
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


def order_of(run, trainer) -> Order:
    rows, batch, ranks = len(run.data.train), getattr(trainer, "batch_size", None) or run.batch_size, run.ranks.size
    if batch % ranks:
        raise Rejected(f"a batch of {batch} rows cannot be shared equally by {ranks} ranks; choose a multiple of {ranks}")
    if rows < ranks:
        raise Rejected(f"the train split has {rows} rows, fewer than the {ranks} ranks")
    return Order(rows, batch, run.seed)


def _total_steps(run, order: Order) -> int | None:
    limits = [run.budget.steps, run.budget.epochs and run.budget.epochs * order.steps_per_epoch]
    given = [limit for limit in limits if limit is not None]
    if not given and run.budget.wall_clock_seconds is None:
        raise Rejected("the budget has no end: give training.budget epochs, steps or wallClock")
    return min(given, default=None)


def _steps(run, trainer, order: Order, total: int | None, writer: Writer, digests: StateDigests) -> dict:
    clock, per_epoch, ranks, stall = time.perf_counter, order.steps_per_epoch, run.ranks, run.stall
    ids = run.data.train.ids
    used_before, began = run.used_seconds, clock()
    saved, metrics = began, {}
    while total is None or run.step < total:
        start = clock()
        run.used_seconds = used_before + start - began
        writer.check()
        # Rank 0 decides, so that all stop and save at the same step.
        action = ranks.decide(_action(run, start - saved))
        if action == STOP:
            _checkpoint(run, trainer, order, writer)
            writer.wait()
            ranks.leave()
            raise Stopped
        if action == SPENT:
            run.events.emit("budget", step=run.step, used_seconds=round(run.used_seconds, 3))
            break
        if action == SAVE:
            _checkpoint(run, trainer, order, writer)
            saved = start = clock()
        rows = order.at(run.step)
        run.step_rows, stall.waited = len(rows), clock() - start
        metrics = trainer.step(ranks.share(rows)) or {}
        run.step += 1
        run.samples += len(rows)
        seconds = max(clock() - start, 1e-9)
        stall.add(seconds)
        run.events.step(run.step, metrics, len(rows), seconds, stall.waited, rows_digest(ids[rows]))
        digests.after(run.step, clock() - began)
        if run.step % per_epoch == 0:
            run.events.emit("epoch", step=run.step, epoch=run.step // per_epoch, **metrics)
    run.used_seconds = used_before + clock() - began
    return metrics


def _action(run, since_saved: float) -> int:
    limit = run.budget.wall_clock_seconds
    if run.stop_requested:
        return STOP
    if limit is not None and run.used_seconds >= limit:
        return SPENT
    return SAVE if since_saved >= run.checkpoint_every_seconds and run.step > 0 else GO


def _checkpoint(run, trainer, order: Order, writer: Writer, random: list | None = None) -> None:
    """`random`: every rank's random states where they were gathered before."""
    if run.resume == run.checkpoints / f"step-{run.step}":
        return
    began = time.perf_counter()
    random = random or run.ranks.gather(states.capture(run.ranks))
    if run.ranks.rank > 0:
        return
    state = {"trainer": trainer.state(), "random": random, "samples": run.samples, "stall": run.stall.state()}
    facts = {**_identity(run, order), "usedSeconds": round(run.used_seconds, 3)}
    writer.write(run.step, state, facts, began)


def _log_checkpoint(run):
    def written(step: int, facts: dict, seconds: float, blocked: float) -> None:
        times = {"seconds": round(seconds, 4), "blocked_seconds": round(blocked, 4)}
        run.events.emit("checkpoint", step=step, used_seconds=facts["usedSeconds"], **times)

    return written


def _restore(run, trainer, order: Order) -> None:
    state, facts = read_checkpoint(run.resume)
    for name, value in _identity(run, order).items():
        if facts[name] != value:
            raise Rejected(f"checkpoint {run.resume} has {name} {facts[name]!r}, this run has {value!r}: it belongs to another run")
    trainer.load_state(state["trainer"])
    run.step, run.samples = facts["step"], state["samples"]
    run.used_seconds = max(run.used_seconds, facts["usedSeconds"])
    run.stall.load_state(state["stall"])
    states.restore(state["random"][run.ranks.rank])


def _identity(run, order: Order) -> dict:
    return {"variant": run.variant, "seed": run.seed, "rows": order.rows, "batch": order.batch, "worldSize": run.ranks.size}


def _start_warm(run, trainer) -> None:
    """What another run learned; steps, samples and random states are this run's own."""
    try:
        state, _ = read_checkpoint(run.warm_start)
        getattr(trainer, "warm_start", trainer.load_state)(state["trainer"])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise Rejected(f"cannot start warm from {run.warm_start}: {error}") from error
    run.events.emit("warm-start", step=0, **{"from": str(run.warm_start)})
