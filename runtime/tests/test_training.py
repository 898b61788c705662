"""What one start writes: events, checkpoints, predictions, model, result; and how it ends when something is wrong."""

import json
import signal

import numpy as np
import pytest
from conftest import EXAMPLES, RUNTIME

from assay_runtime.checkpoints import read_checkpoint

STEPPER = RUNTIME / "tests" / "stepper.py"
DIGITS = EXAMPLES / "digits" / "train.py"


def budget(**given):
    return {"epochs": None, "steps": None, "wallClockSeconds": None, "usedSeconds": 0} | given


def test_a_finished_run_leaves_events_model_predictions_and_result(launch, data):
    run = launch("run", STEPPER, budget=budget(epochs=2))
    run.end()
    assert run.steps() == list(range(1, len(run.steps()) + 1))
    assert [event["epoch"] for event in run.events("epoch")] == [1, 2]
    assert run.events("start")[0]["total_steps"] == run.result()["steps"] == len(run.steps())
    assert all(event["throughput_samples_per_sec"] > 0 and event["timestamp"].endswith("Z") for event in run.events("step"))
    found = run.predictions()
    with open(data["splits"]["test"]) as file:
        test = [json.loads(line) for line in file]
    assert found["ids"].tolist() == [example["id"] for example in test]
    assert found["labels"].dtype == np.int32 and found["labels"].tolist() == [int(example["label"]) for example in test]
    assert np.abs(found["scores"].sum(axis=1) - 1).max() < 1e-9
    accuracy = (found["scores"].argmax(axis=1) == found["labels"]).mean()
    assert run.result()["metrics"]["accuracy"] == pytest.approx(accuracy) and accuracy > 0.8
    assert run.result()["samples"] == 2 * run.events("start")[0]["rows"]
    assert run.result()["environment"]["numpy"] == np.__version__
    assert [path.name for path in (run.out / "model").iterdir()] == ["weights.npz"]


def test_checkpoints_are_whole_whenever_the_process_is_killed(launch):
    changes = {"params": {"ballast": 200_000}, "checkpointEverySeconds": 0, "budget": budget(steps=100_000)}
    resume = None
    for step in (3, 6, 9, 12):
        run = launch("run", STEPPER, **changes, resume=resume)
        run.until_step(step)
        run.process.send_signal(signal.SIGKILL)
        run.end(-signal.SIGKILL)
        found = list(run.checkpoints.glob("step-*"))
        assert 1 <= len(found) <= 4
        for path in found:
            state, facts = read_checkpoint(path)
            assert f"step-{facts['step']}" == path.name and len(state["trainer"]["ballast"]) == 200_000
        resume = str(run.newest())


def test_the_newest_three_checkpoints_are_kept(launch):
    run = launch("run", STEPPER, checkpointEverySeconds=0, budget=budget(steps=9))
    run.end()
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["step-6", "step-7", "step-8"]


def test_a_damaged_checkpoint_is_a_crash_that_names_it(launch):
    run = launch("run", STEPPER, checkpointEverySeconds=0, budget=budget(steps=3))
    run.end()
    damaged = run.newest() / "state.pkl"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    stderr = launch("again", STEPPER, resume=str(run.newest()), budget=budget(steps=3)).end(1)
    assert f"checkpoint {run.newest()} is damaged" in stderr


def test_a_checkpoint_of_another_seed_is_rejected(launch):
    run = launch("run", STEPPER, checkpointEverySeconds=0, budget=budget(steps=3))
    run.end()
    stderr = launch("again", STEPPER, seed=4, resume=str(run.newest()), budget=budget(steps=3)).end(78)
    assert "has seed 3, this run has 4: it belongs to another run" in stderr


@pytest.mark.parametrize("moment, step", [("stop in setup", 0), ("stop in scores", 1)])
def test_a_stop_before_or_after_the_steps_still_leaves_a_checkpoint(launch, moment, step):
    changes = {"budget": budget(steps=1)}
    run = launch("run", STEPPER, params={"fail": moment}, **changes)
    run.end(75)
    assert run.newest().name == f"step-{step}"
    whole = launch("whole", STEPPER, **changes)
    again = launch("run", STEPPER, resume=str(run.newest()), **changes)
    again.end(), whole.end()
    assert again.prediction_bytes() == whole.prediction_bytes()


@pytest.mark.parametrize("moment", ["stop in setup", "stop in scores"])
def test_a_stop_whose_checkpoint_cannot_be_written_is_a_crash(launch, tmp_path, moment):
    (tmp_path / "file").touch()
    run = launch("run", STEPPER, params={"fail": moment}, budget=budget(steps=1), checkpoints=str(tmp_path / "file"))
    assert "NotADirectoryError" in run.end(1)


def test_the_wall_clock_budget_counts_the_time_of_earlier_starts(launch):
    run = launch("run", STEPPER, budget=budget(wallClockSeconds=5, usedSeconds=4.9))
    run.end()
    assert run.result()["steps"] > 0
    assert 4.9 < run.result()["metrics"]["training_seconds"] < 5.5
    spent = launch("spent", STEPPER, budget=budget(wallClockSeconds=5, usedSeconds=5))
    spent.end()
    assert spent.result()["steps"] == 0


@pytest.mark.parametrize(
    "script, changes, expected",
    [
        (DIGITS, {"params": {"model": "tree"}}, "params.model is 'tree'; expected one of logistic, mlp, boosting"),
        (DIGITS, {"params": {"model": "mlp", "hidden": 0}}, "params.hidden is 0; expected at least 1"),
        (DIGITS, {"params": {"model": "mlp", "hidden": "64"}}, "params.hidden is '64'; expected a whole number"),
        (DIGITS, {"params": {"model": "logistic", "alpha": True}}, "params.alpha is True; expected a number"),
        (DIGITS, {}, "params.model is missing"),
        (STEPPER, {"budget": budget()}, "the budget has no end"),
        (STEPPER, {"mode": "evaluate"}, "mode evaluate needs a model"),
        (STEPPER, {"mode": "guess"}, "run.json has mode 'guess'"),
        (STEPPER, {"contract": 2}, "run.json has contract 2"),
    ],
)
def test_wrong_parameters_end_with_78_and_say_why(launch, script, changes, expected):
    run = launch("run", script, **changes)
    assert expected in run.end(78).splitlines()[-1]
    assert not (run.out / "result.json").exists()


@pytest.mark.parametrize(
    "line, expected",
    [
        ('{"id": "d0000", "row": 0}', "line 1: expected {id, label, row}"),
        ('{"id": "d0000", "label": "10", "row": 0}', "line 1: label '10' is not one of the classes 0, 1"),
        ('{"id": "d0001", "label": "0", "row": 0}', "row 0: id is 'd0000', the split says 'd0001'"),
        ('{"id": "d9999", "label": "0", "row": 9999}', "has no row 9999"),
        ("{", "line 1: expected {id, label, row}"),
    ],
)
def test_a_split_that_does_not_fit_the_data_ends_with_78_and_names_the_place(launch, data, tmp_path, line, expected):
    train = tmp_path / "train.jsonl"
    train.write_text(line + "\n")
    run = launch("run", STEPPER, data={**data, "splits": {**data["splits"], "train": str(train)}})
    assert expected in run.end(78)


@pytest.mark.parametrize(
    "fail, expected",
    [
        ("crash", "the loss ran away"),
        ("nan scores", "are not finite"),
        ("bad sums", "sum to 2.000000; expected 1 within 0.0001"),
    ],
)
def test_a_fault_of_the_trainer_is_a_crash_without_a_result(launch, fail, expected):
    run = launch("run", STEPPER, params={"fail": fail}, budget=budget(steps=10))
    assert expected in run.end(1)
    assert not (run.out / "result.json").exists()


def test_a_loss_that_is_not_finite_keeps_the_events_valid_json(launch):
    run = launch("run", STEPPER, params={"fail": "nan loss"}, budget=budget(steps=2))
    run.end()
    assert [(event.get("loss"), event["accuracy"], event["not_finite"]) for event in run.events("step")] == [(None, 0.5, ["loss"])] * 2


def test_a_parameter_that_nothing_reads_is_a_warning(launch):
    run = launch("run", STEPPER, params={"balast": 1}, budget=budget(steps=1))
    run.end()
    assert [event["message"] for event in run.events("warning")] == ["params.balast is never read by this trainer"]


def test_the_time_spent_waiting_for_data_is_measured_over_all_starts(launch):
    run = launch("run", STEPPER, params={"fail": "slow data"}, checkpointEverySeconds=0, budget=budget(steps=20))
    run.end()
    for event in run.events("step"):
        assert 0.01 <= event["data_seconds"] <= event["seconds"]
    events = run.events("step")
    share = sum(event["data_seconds"] for event in events) / sum(event["seconds"] for event in events)
    assert run.result()["metrics"]["data_stall"] == pytest.approx(share, rel=1e-3) and share > 0.5
    resumed = launch("run", STEPPER, resume=str(run.newest()), budget=budget(steps=20))
    resumed.end()
    assert resumed.steps()[-1] == 20 and resumed.events("step")[-1]["data_seconds"] < 0.01
    assert resumed.result()["metrics"]["data_stall"] > 0.5


def test_a_checkpoint_event_says_how_long_the_training_waited_for_it(launch):
    run = launch("run", STEPPER, params={"ballast": 500_000}, checkpointEverySeconds=0, budget=budget(steps=5))
    run.end()
    events = run.events("checkpoint")
    assert [event["step"] for event in events] == [1, 2, 3, 4]
    assert all(0 < event["blocked_seconds"] <= event["seconds"] for event in events)
