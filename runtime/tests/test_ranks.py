"""Two ranks over gloo: the same training as one process has, stopped, killed and resumed to the bit."""

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import EXAMPLES, RUNTIME, run_file

from assay_runtime import Rejected, Run
from assay_runtime.checkpoints import read_checkpoint
from assay_runtime.loop import order_of
from assay_runtime.ranks import Ranks

LINEAR, DIGITS = RUNTIME / "tests" / "linear.py", EXAMPLES / "digits-torch" / "train.py"


def budget(steps):
    return {"epochs": None, "steps": steps, "wallClockSeconds": None, "usedSeconds": 0}


@pytest.fixture
def few(data, tmp_path):
    """101 rows to train on: with a batch of 20 the last step of an epoch has a row for rank 0 and none for rank 1."""
    lines = Path(data["splits"]["train"]).read_text().splitlines(keepends=True)[:101]
    (tmp_path / "few.jsonl").write_text("".join(lines))
    return {**data, "splits": {**data["splits"], "train": str(tmp_path / "few.jsonl")}}


def seen(run, rank):
    return [json.loads(line) for line in (run.out / f"seen-{rank}.jsonl").read_text().splitlines()]


def test_two_ranks_train_what_one_process_trains(launch, few):
    common = {"data": few, "batchSize": 20, "microBatchSize": 8, "budget": budget(18), "params": {"clip": 1}}
    one, two = launch("one", LINEAR, **common), launch("two", LINEAR, **common, processes=2, worldSize=2)
    one.end(), two.end()
    np.testing.assert_allclose(two.predictions()["scores"], one.predictions()["scores"], atol=1e-12)
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(*([event[name] for event in run.events("step")] for run in (one, two)), rtol=1e-12)
    assert one.result()["samples"] == two.result()["samples"] == 3 * 101
    assert two.steps() == list(range(1, 19))
    whole, first, second = seen(one, 0), seen(two, 0), seen(two, 1)
    assert [a["rows"] + b["rows"] for a, b in zip(first, second)] == [entry["rows"] for entry in whole]
    assert second[5]["rows"] == [] and len(first[0]["rows"]) == len(second[0]["rows"]) == 10
    assert all(a["noise"] != b["noise"] for a, b in zip(first, second))


def test_two_ranks_killed_and_stopped_in_their_middle_end_with_the_same_predictions(launch):
    common = {"params": {"model": "mlp", "hidden": 64}, "budget": budget(120), "checkpointEverySeconds": 0.05, "worldSize": 2}
    killed = launch("interrupted", DIGITS, **common, processes=2)
    killed.until_step(20)
    ranks = Path(f"/proc/{killed.process.pid}/task/{killed.process.pid}/children").read_text().split()
    assert len(ranks) == 2
    os.kill(int(ranks[1]), signal.SIGKILL)
    assert "rank 1 was killed by SIGKILL" in killed.end(1).splitlines()[-1]
    first = killed.newest()

    stopped = launch("interrupted", DIGITS, **common, processes=2, resume=str(first))
    stopped.until_step(60)
    stopped.process.terminate()
    stopped.end(75)
    second = stopped.newest()
    assert int(second.name.removeprefix("step-")) == stopped.steps()[-1] > int(first.name.removeprefix("step-"))

    alone = launch("alone", DIGITS, **{**common, "worldSize": 1}, resume=str(second))
    assert "has worldSize 2, this run has 1" in alone.end(78)

    finished = launch("interrupted", DIGITS, **common, processes=2, resume=str(second))
    finished.end()
    whole = launch("whole", DIGITS, **common, processes=2)
    whole.end()
    assert finished.prediction_bytes() == whole.prediction_bytes()
    assert finished.steps() == whole.steps() == list(range(1, 121))
    assert [event["loss"] for event in finished.events("step")] == [event["loss"] for event in whole.events("step")]


def test_ranks_that_are_stopped_while_rank_0_evaluates_leave_the_state_of_all(launch):
    run = launch("run", LINEAR, budget=budget(5), worldSize=2, processes=2, params={"fail": "stop in scores"})
    run.end(75)
    assert run.newest().name == "step-5"
    first, second = read_checkpoint(run.newest())[0]["random"]
    assert first["numpy"][1].tolist() != second["numpy"][1].tolist()


def test_memory_that_runs_out_on_one_rank_is_the_end_of_the_run(launch):
    run = launch("run", LINEAR, params={"fail": "memory"}, budget=budget(50), worldSize=2, processes=2)
    assert "CUDA out of memory" in run.end(86)
    assert run.steps() == [1, 2] and not (run.out / "result.json").exists()


def test_rows_that_the_ranks_cannot_share_are_rejected(tmp_path, data):
    run = Run(run_file(tmp_path, data))
    run.ranks = Ranks(3)
    with pytest.raises(Rejected, match="a batch of 64 rows cannot be shared equally by 3 ranks; choose a multiple of 3"):
        order_of(run, SimpleNamespace())
    with pytest.raises(Rejected, match="fewer than the 3000 ranks"):
        run.ranks = Ranks(3000)
        order_of(run, SimpleNamespace(batch_size=3000))


def test_a_run_that_was_not_started_by_the_launcher_says_how(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(Rejected, match="start the trainer with python -m assay_runtime.launch --processes 2 -- ..."):
        Ranks.of_environment(2, "train")
    assert Ranks.of_environment(1, "train").size == Ranks.of_environment(2, "evaluate").size == 1
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "1")):
        monkeypatch.setenv(name, value)
    assert Ranks.of_environment(2, "train").rank == 1
    with pytest.raises(Rejected, match="run.json has worldSize 3, but 2 processes were started"):
        Ranks.of_environment(3, "train")
