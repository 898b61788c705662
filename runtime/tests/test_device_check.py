"""`python -m assay_runtime.device_check` as a process, and its matrices by themselves."""

import json
import subprocess
import sys

import pytest
from conftest import environment

from assay_runtime import device_check

torch = pytest.importorskip("torch")


def run(*arguments, **env):
    ended = subprocess.run(
        [sys.executable, "-m", "assay_runtime.device_check", *arguments], env={**environment(), **env}, capture_output=True, text=True
    )
    return ended.returncode, json.loads(ended.stdout.splitlines()[-1])


def test_the_product_on_the_cpu_is_right_and_takes_time():
    code, said = run("--device", "cpu", "--size", "512")
    assert code == 0
    assert said["ok"] is True and said["ms"] > 0 and said["free"] > 0 and said["name"] == "cpu"


def test_the_known_result_is_that_of_integer_arithmetic():
    left, right, expected = device_check.matrices(torch, 300)
    assert torch.equal(left.long() @ right.long(), expected.long())
    assert len(expected.unique()) > 20


def test_a_device_that_computes_wrongly_is_told(monkeypatch, capsys):
    right = device_check.matrices

    def off_by_one(torch, size):
        left, inner, expected = right(torch, size)
        expected[3, 5] += 1
        return left, inner, expected

    monkeypatch.setattr(device_check, "matrices", off_by_one)
    assert device_check.main(["--device", "cpu", "--size", "64"]) == device_check.FAILED
    said = json.loads(capsys.readouterr().out)
    assert said == {"ok": False, "reason": "wrong-product", "message": "1 of 4096 values of a matrix product are wrong"}


def test_a_device_without_memory_is_told(monkeypatch, capsys):
    def full(torch, size):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 16.00 MiB.")

    monkeypatch.setattr(device_check, "matrices", full)
    assert device_check.main(["--device", "cpu"]) == 86
    assert json.loads(capsys.readouterr().out)["reason"] == "out-of-memory"


def test_an_absent_device_is_no_such_device():
    code, said = run("--device", "cuda", "--uuid", "GPU-00000000-0000-0000-0000-000000000000")
    assert code == 78
    assert said["ok"] is False and said["reason"] == "no-device"


def test_without_pytorch_the_reason_is_given(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('No module named torch')\n")
    path = environment().get("PYTHONPATH", "")
    code, said = run("--device", "cpu", PYTHONPATH=f"{tmp_path}:{path}" if path else str(tmp_path))
    assert code == 69
    assert said["reason"] == "no-torch"


def test_a_product_too_large_to_be_exact_is_refused():
    code, said = run("--device", "cpu", "--size", "70000", OMP_NUM_THREADS="1")
    assert code == 78 and said["reason"] == "too-large"
