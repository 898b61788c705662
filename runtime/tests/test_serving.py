"""Modes evaluate and latency, with a model trained before and with model files from elsewhere."""

import json

import pytest
from conftest import EXAMPLES, RUNTIME

STEPPER = RUNTIME / "tests" / "stepper.py"
PRETRAINED = EXAMPLES / "pretrained"


def test_evaluating_a_trained_model_gives_the_predictions_of_its_training(launch):
    trained = launch("trained", STEPPER)
    trained.end()
    evaluated = launch("evaluated", STEPPER, mode="evaluate", model=str(trained.out / "model"))
    evaluated.end()
    assert evaluated.prediction_bytes() == trained.prediction_bytes()
    assert evaluated.result()["steps"] == 0
    ranks = launch("ranks", STEPPER, mode="evaluate", model=str(trained.out / "model"), worldSize=2, processes=2)
    ranks.end()
    assert ranks.prediction_bytes() == trained.prediction_bytes()


@pytest.mark.parametrize("name", ["linear", "network"])
def test_a_committed_model_file_is_evaluated(launch, name):
    run = launch("run", PRETRAINED / "predict.py", mode="evaluate", model=str(PRETRAINED / "models" / f"{name}.npz"))
    run.end()
    assert run.result()["metrics"]["accuracy"] > 0.93


def test_a_model_that_is_not_there_is_rejected(launch):
    run = launch("run", PRETRAINED / "predict.py", mode="evaluate", model="/nowhere/model.npz")
    assert "model /nowhere/model.npz does not exist" in run.end(78)


def test_each_turn_runs_one_block_and_answers_on_standard_output_alone(launch, data):
    trained = launch("trained", STEPPER)
    trained.end()
    run = launch("latency", STEPPER, mode="latency", model=str(trained.out / "model"), warmupSteps=7)
    stdin, stdout = run.process.stdin, run.process.stdout
    for block in (1, 2, 4):
        stdin.write(json.dumps({"block": block}) + "\n")
        stdin.flush()
        assert json.loads(stdout.readline()) == {"done": block}
        lines = [json.loads(line) for line in (run.out / "latency.jsonl").read_text().splitlines()]
        assert lines[-1]["block"] == block
    stdin.close()
    assert run.process.wait(30) == 0
    assert stdout.read() == ""
    with open(data["splits"]["test"]) as file:
        full = len(file.readlines()) // 32
    assert [line["step"] for line in lines if line["warmup"]] == list(range(7))
    assert [(line["block"], line["step"]) for line in lines if not line["warmup"]] == [(b, s) for b in (1, 2, 4) for s in range(full)]
    assert all(line["ms"] > 0 and line["batch"] == 32 for line in lines)


def test_a_latency_run_stops_at_once_when_asked(launch):
    trained = launch("trained", STEPPER)
    trained.end()
    run = launch("latency", STEPPER, mode="latency", model=str(trained.out / "model"))
    run.process.stdin.write('{"block": 0}\n')
    run.process.stdin.flush()
    run.process.stdout.readline()
    run.process.terminate()
    assert run.process.wait(30) == 75
