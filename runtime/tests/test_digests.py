"""What a replay is compared with: the rows of each step, the state now and then, and what was there."""

import pickle

import numpy as np
import pytest
from conftest import EXAMPLES, RUNTIME

from assay_runtime.digests import StateDigests, content_digest, rows_digest
from assay_runtime.environment import environment
from assay_runtime.order import Order

STEPPER = RUNTIME / "tests" / "stepper.py"
DIGITS = EXAMPLES / "digits" / "train.py"


def budget(**given):
    return {"epochs": None, "steps": None, "wallClockSeconds": None, "usedSeconds": 0} | given


def orders(run):
    return [event["order"] for event in run.events("step")]


def states(run):
    return {event["step"]: event["digest"] for event in run.events("state")}


def test_every_step_says_which_rows_it_had_in_which_order(launch, data):
    run = launch("run", STEPPER, budget=budget(steps=9))
    run.end()
    from assay_runtime import Data

    ids = Data(data).train.ids
    order = Order(len(ids), 64, 3)
    assert orders(run) == [rows_digest(ids[order.at(step)]) for step in range(9)]
    assert len(set(orders(run))) == 9


def test_a_resumed_run_says_the_same_of_every_step_as_one_that_was_not(launch):
    whole = launch("whole", STEPPER, budget=budget(steps=9))
    whole.end()
    part = launch("part", STEPPER, checkpointEverySeconds=0, budget=budget(steps=6))
    part.end()
    rest = launch("rest", STEPPER, resume=str(part.newest()), budget=budget(steps=9))
    rest.end()
    assert orders(whole) == [*orders(part)[: int(part.newest().name[5:])], *orders(rest)]
    assert states(whole)[9] == states(rest)[9] and states(whole)[1] == states(part)[1]


@pytest.mark.parametrize("params", [{"model": "logistic"}, {"model": "mlp"}, {"model": "boosting"}], ids=lambda params: params["model"])
def test_two_trainings_of_an_example_have_the_same_digests_and_another_seed_has_others(launch, params):
    changes = {"params": params, "budget": budget(steps=8)}
    first, second = launch("first", DIGITS, **changes), launch("second", DIGITS, **changes)
    other = launch("other", DIGITS, **changes, seed=4)
    for run in (first, second, other):
        run.end()
    common = states(first).keys() & states(second).keys()
    assert {1, 8} <= common
    assert orders(first) == orders(second) and all(states(first)[step] == states(second)[step] for step in common)
    assert orders(first)[0] != orders(other)[0] and states(first)[8] != states(other)[8]


def test_equal_contents_have_one_digest_however_they_are_shared_or_were_pickled():
    row = np.arange(6, dtype=np.float32)
    state = {"a": [row, row], "rng": np.random.RandomState(3), "b": {1, 2}, "text": "x"}
    apart = {"text": "x", "b": {2, 1}, "a": [row.copy(), row.copy()], "rng": np.random.RandomState(3)}
    assert content_digest(state) == content_digest(apart) == content_digest(pickle.loads(pickle.dumps(state)))


@pytest.mark.parametrize(
    "one, other",
    [
        (1, 1.0),
        (0.0, -0.0),
        ("1", 1),
        (["ab", "c"], ["a", "bc"]),
        ([1, 2], [2, 1]),
        (np.zeros(4), np.zeros((2, 2))),
        (np.zeros(2, np.int32), np.zeros(2, np.float32)),
        (np.array([1.0, np.nextafter(1.0, 2)]), np.array([1.0, 1.0])),
        (np.random.RandomState(1), np.random.RandomState(2)),
    ],
)
def test_contents_that_differ_in_a_bit_have_two(one, other):
    assert content_digest(one) != content_digest(other)


def test_a_value_that_leads_back_to_itself_has_a_digest():
    loop = {"name": "loop"}
    loop["self"] = loop
    assert len(content_digest(loop)) == 32


class Ranks:
    rank = 0


class Noted:
    """A run that keeps what it is told."""

    def __init__(self):
        self.ranks, self.events, self.said = Ranks(), self, []

    def emit(self, type, step, digest):
        self.said.append(step)

    def warning(self, message):
        self.said.append(message)


class Dear:
    """A state that takes its time."""

    def __init__(self, seconds):
        self.seconds = seconds

    def state(self):
        import time

        end = time.perf_counter() + self.seconds
        while time.perf_counter() < end:
            pass
        return self.seconds


def test_a_state_that_is_dear_is_looked_at_first_and_last_and_seldom_between():
    run = Noted()
    digests = StateDigests(run, Dear(0.02))
    for step in range(1, 1025):
        digests.after(step, step * 0.02)
    digests.now(1024)
    digests.now(1024)
    assert run.said[0] == 1 and run.said[-1] == 1024 and run.said.count(1024) == 1
    assert all(step & (step - 1) == 0 for step in run.said) and 2 not in run.said and len(run.said) < 8


def test_a_state_without_a_digest_costs_the_training_one_warning():
    class Locked:
        def state(self):
            raise RuntimeError("not now")

    run = Noted()
    digests = StateDigests(run, Locked())
    for step in (1, 2, 4):
        digests.after(step, 1e9)
    assert run.said == ["the state has no digest, so that a replay compares none: RuntimeError: not now"]


def test_the_environment_says_what_a_result_may_depend_on(launch):
    run = launch("run", DIGITS, params={"model": "logistic"}, budget=budget(steps=1))
    run.end()
    found = run.result()["environment"]
    assert {"python", "platform", "machine", "cpu", "numpy", "scipy", "sklearn", "blas"} <= found.keys()
    assert all(isinstance(value, (str, int)) for value in found.values())
    assert found["numpy"] == np.__version__ and "json" not in found
    assert environment()["cpu"] == found["cpu"]
