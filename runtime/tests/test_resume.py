"""A training that was killed and stopped in its middle predicts what an uninterrupted one predicts, to the bit."""

import signal

import pytest
from conftest import EXAMPLES

SKLEARN, TORCH = EXAMPLES / "digits" / "train.py", EXAMPLES / "digits-torch" / "train.py"
CASES = {
    "logistic": (SKLEARN, {"model": "logistic"}, 300),
    "mlp": (SKLEARN, {"model": "mlp", "hidden": 32}, 400),
    "boosting": (SKLEARN, {"model": "boosting", "depth": 2}, 40),
    "torch mlp": (TORCH, {"model": "mlp", "hidden": 64}, 500),
    "torch cnn": (TORCH, {"model": "cnn", "channels": 8}, 200),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_killed_and_then_stopped_in_its_middle_ends_with_the_same_predictions(launch, case):
    script, params, steps = CASES[case]
    common = {
        "params": params,
        "budget": {"epochs": None, "steps": steps, "wallClockSeconds": None, "usedSeconds": 0},
        "checkpointEverySeconds": 0.05,
    }
    whole = launch("whole", script, **common)

    killed = launch("interrupted", script, **common)
    killed.until_step(steps // 4)
    killed.process.send_signal(signal.SIGKILL)
    killed.end(-signal.SIGKILL)
    assert not (killed.out / "result.json").exists()
    first = killed.newest()

    stopped = launch("interrupted", script, **common, resume=str(first))
    stopped.until_step(steps // 2)
    stopped.process.send_signal(signal.SIGTERM)
    stopped.end(75)
    assert not (stopped.out / "result.json").exists()
    second = stopped.newest()
    assert int(second.name.removeprefix("step-")) == stopped.steps()[-1] > int(first.name.removeprefix("step-"))

    finished = launch("interrupted", script, **common, resume=str(second))
    finished.end(0)
    whole.end(0)
    assert finished.prediction_bytes() == whole.prediction_bytes()
    assert finished.steps() == list(range(1, steps + 1)) == whole.steps()
    losses = [[event["loss"] for event in run.events("step")] for run in (finished, whole)]
    assert losses[0] == losses[1]
    assert finished.result()["samples"] == whole.result()["samples"]


def test_a_warm_start_takes_the_weights_of_another_run_and_begins_at_step_0(launch):
    budget = {"epochs": None, "steps": 60, "wallClockSeconds": None, "usedSeconds": 0}
    common = {"params": {"model": "mlp", "hidden": 64, "lr": 0.01}, "budget": budget, "checkpointEverySeconds": 0.01}
    cold = launch("cold", TORCH, **common)
    cold.end()
    source = str(cold.newest())

    warm = launch("warm", TORCH, **common, variant="b", seed=4, warmStart=source)
    warm.end()
    assert [(event["step"], event["from"]) for event in warm.events("warm-start")] == [(0, source)]
    assert warm.steps() == list(range(1, 61)) and warm.result()["samples"] == cold.result()["samples"]
    losses = [[event["loss"] for event in run.events("step")] for run in (cold, warm)]
    assert losses[1][0] < losses[0][0] / 2

    resumed = launch("warm", TORCH, **common, variant="b", seed=4, warmStart=source, resume=str(warm.newest()))
    resumed.end()
    assert resumed.prediction_bytes() == warm.prediction_bytes() and resumed.steps() == warm.steps()

    other = launch("other", TORCH, **{**common, "params": {"model": "mlp", "hidden": 32}}, warmStart=source)
    assert "size mismatch" in other.end(78)
