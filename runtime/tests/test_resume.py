"""A training that was killed and stopped in its middle predicts what an uninterrupted one predicts, to the bit."""

import signal

import pytest
from conftest import EXAMPLES

SKLEARN, TORCH = EXAMPLES / "digits" / "train.py", EXAMPLES / "digits-torch" / "train.py"
CASES = {
    "logistic": (SKLEARN, {"model": "logistic"}, 300),
    "mlp": (SKLEARN, {"model": "mlp", "hidden": 32}, 600),
    "boosting": (SKLEARN, {"model": "boosting", "depth": 2}, 60),
    "torch mlp": (TORCH, {"model": "mlp", "hidden": 64}, 900),
    "torch cnn": (TORCH, {"model": "cnn", "channels": 8}, 400),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_killed_and_then_stopped_in_its_middle_ends_with_the_same_predictions(launch, case):
    script, params, steps = CASES[case]
    common = {
        "params": params,
        "budget": {"epochs": None, "steps": steps, "wallClockSeconds": None, "usedSeconds": 0},
        "checkpointEverySeconds": 0.1,
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
