"""The parts of the GPU tests that run without one."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import EXAMPLES, RUNTIME
from trainers import Started

sys.path.append(str(RUNTIME / "gpu_tests"))

from gpu import HUNGRY, ladder, patterns, steps  # noqa: E402


def test_the_ladder_is_cumulative_and_ends_in_half_precision():
    levels = ladder(64)
    assert [level["microBatchSize"] for level in levels] == [64, 32, 16, 16, 16]
    assert [level.get("gradientCheckpointing", False) for level in levels] == [False, False, False, True, True]
    assert levels[-1]["precision"] == "bf16" and len(ladder(64, "fp16")) == 4


def test_the_patterns_are_data_that_the_example_learns(tmp_path):
    changes = {"params": {"model": "mlp"}, "budget": steps(200)}
    run = Started(tmp_path / "run", EXAMPLES / "digits-torch" / "train.py", patterns(tmp_path / "data"), changes)
    run.end()
    assert run.result()["metrics"]["accuracy"] > 0.8


def test_the_hungry_trainer_trains_the_same_at_the_second_level(tmp_path):
    data = patterns(tmp_path / "data", rows=60)
    runs = []
    for level, remedy in enumerate([ladder(8)[0], ladder(8)[3]]):
        run = Started(tmp_path / str(level), HUNGRY, data, {"batchSize": 8, "evaluationBatchSize": 4, **remedy, "budget": steps(2)})
        run.end()
        runs.append(run.predictions()["scores"])
    np.testing.assert_allclose(*runs, atol=1e-5)


@pytest.fixture
def path_without_gpu(tmp_path):
    """A search path with node and python and no nvidia-smi."""
    (tmp_path / "bin").mkdir()
    for name, program in (("node", shutil.which("node")), ("python3", sys.executable)):
        assert program is not None, "node is not installed"
        (tmp_path / "bin" / name).symlink_to(program)
    return str(tmp_path / "bin")


def test_without_a_gpu_each_test_says_so_and_nothing_fails(path_without_gpu):
    found = subprocess.run(
        [sys.executable, "-m", "unittest", "discover", "-v", "-s", RUNTIME / "gpu_tests"],
        env={"PATH": path_without_gpu, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert found.returncode in (0, 5), found.stderr
    assert "no GPU: nvidia-smi is not installed" in found.stderr and "Error" not in found.stderr


def test_the_one_command_says_skipped_without_a_gpu(path_without_gpu):
    script = RUNTIME.parent / "scripts" / "test-gpu.mjs"
    found = subprocess.run(["node", script], env={**os.environ, "PATH": path_without_gpu}, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "skipped: no GPU (nvidia-smi is not installed)\n"), found.stderr
