"""What makes a PyTorch training fit its memory changes its numbers by rounding only; its state is a copy."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import EXAMPLES, run_file
from linear import Linear
from torch import nn

from assay_runtime import Rejected, Run, with_torch
from assay_runtime.checkpoints import Writer, read_checkpoint


@pytest.fixture
def trained(tmp_path, data):
    """The weights and the metrics after some steps in this process, the last of them a ragged one."""

    def train(**changes):
        run = Run(run_file(tmp_path, data) | {"batchSize": 50} | changes)
        run.out.mkdir(exist_ok=True)
        trainer = Linear()
        trainer.setup(run, run.data)
        for rows in (range(50), range(50, 100), range(100, 117)):
            run.step_rows = len(rows)
            metrics = trainer.step(np.array(rows))
        return torch.cat([weight.detach().reshape(-1) for weight in trainer.model.parameters()]), metrics

    return train


@pytest.mark.parametrize(
    "changes",
    [{"microBatchSize": 25}, {"microBatchSize": 7}, {"microBatchSize": 1}, {"microBatchSize": 16, "params": {"clip": 0.1}}],
)
def test_micro_batches_train_what_the_whole_batch_trains(trained, changes):
    whole, expected = trained(microBatchSize=50, params=changes.get("params", {}))
    parts, metrics = trained(**changes)
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-12)
    assert metrics == pytest.approx(expected, rel=1e-12)


def test_gradient_checkpointing_changes_no_bit(trained):
    whole, _ = trained(microBatchSize=50)
    recomputed, _ = trained(microBatchSize=50, gradientCheckpointing=True)
    assert torch.equal(whole, recomputed)


def test_gradient_checkpointing_keeps_less_for_the_way_back():
    def kept(gradient_checkpointing):
        block = nn.Sequential(nn.Linear(8, 4096), nn.ReLU(), nn.Linear(4096, 8))
        with_torch.recompute(SimpleNamespace(gradient_checkpointing=gradient_checkpointing), block)
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: sizes.append(tensor.numel()) or tensor, lambda tensor: tensor):
            block(torch.zeros(64, 8, requires_grad=True))
        return sum(sizes)

    assert kept(True) * 10 < kept(False)


def test_bf16_computes_in_half_precision_and_keeps_whole_weights(launch):
    runs = {}
    for precision in ("fp32", "bf16"):
        runs[precision] = launch(precision, EXAMPLES / "digits-torch" / "train.py", params={"model": "mlp"}, precision=precision)
    losses = {}
    for precision, run in runs.items():
        run.end()
        losses[precision] = [event["loss"] for event in run.events("step")]
    assert losses["bf16"] != losses["fp32"]
    np.testing.assert_allclose(losses["bf16"], losses["fp32"], rtol=0.05)


def test_fp16_on_the_cpu_is_rejected(launch):
    run = launch("run", EXAMPLES / "digits-torch" / "train.py", params={"model": "mlp"}, precision="fp16")
    assert "precision fp16 needs a CUDA device; on the CPU take bf16 or fp32" in run.end(78)


def test_a_packed_state_is_a_copy_with_every_type(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).to(torch.bfloat16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    written = []
    with Writer(tmp_path, lambda *facts: written.append(facts)) as writer:
        writer.write(1, {"trainer": with_torch.pack(model=model, optimizer=optimizer)}, {}, 0)
        model(torch.ones(4, 3, dtype=torch.bfloat16)).sum().backward()
        optimizer.step()
    assert len(written) == 1 and not torch.equal(before["0.bias"], model[0].bias) or not torch.equal(before["1.bias"], model[1].bias)
    state, _ = read_checkpoint(tmp_path / "step-1")
    with_torch.unpack(state["trainer"], model=model, optimizer=optimizer)
    assert all(torch.equal(value, before[name]) and value.dtype == before[name].dtype for name, value in model.state_dict().items())
    assert optimizer.state_dict()["state"] == {}


def test_a_state_that_the_trainer_changes_afterwards_is_written_as_it_was(tmp_path):
    state = {"weights": np.zeros(1_000_000)}
    with Writer(tmp_path, lambda *_: None) as writer:
        writer.write(1, {"trainer": state}, {}, 0)
        state["weights"][:] = 1
    assert not read_checkpoint(tmp_path / "step-1")[0]["trainer"]["weights"].any()


def test_a_checkpoint_that_could_not_be_written_is_raised_and_leaves_none(tmp_path):
    (tmp_path / "file").touch()
    writer = Writer(tmp_path / "file", lambda *_: None)
    with pytest.raises(NotADirectoryError), writer:
        writer.write(1, {"trainer": 0}, {}, 0)
    with pytest.raises(NotADirectoryError):
        writer.write(2, {"trainer": 0}, {}, 0)


def test_a_missing_device_is_a_crash_and_a_pytorch_without_cuda_a_rejection(tmp_path, data, monkeypatch):
    if torch.cuda.is_available():
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = Run(run_file(tmp_path, data) | {"device": "cuda"})
    monkeypatch.setattr(torch.version, "cuda", "13.2")
    with pytest.raises(RuntimeError, match="asks for device cuda and 1 of them; PyTorch sees 0"):
        with_torch.prepare(run)
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(Rejected, match="built without CUDA"):
        with_torch.prepare(run)


def test_deterministic_runs_say_so_to_pytorch_and_its_libraries(tmp_path, data):
    with_torch.prepare(Run(run_file(tmp_path, data) | {"deterministic": False}))
    assert not torch.are_deterministic_algorithms_enabled() and torch.backends.cudnn.benchmark
    with_torch.prepare(Run(run_file(tmp_path, data)))
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark
    assert not torch.backends.cuda.matmul.allow_tf32


