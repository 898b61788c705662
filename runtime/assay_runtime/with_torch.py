"""PyTorch under the contract: device, determinism, precision, what makes a training fit its memory, ranks, state."""

import contextlib
import functools
import os
from pathlib import Path

# cuBLAS reads it when it starts; without it sums on the device may differ from run to run.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from .checkpoints import Frozen
from .exits import Rejected

HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


def prepare(run) -> torch.device:
    """Seeds, threads, determinism and matrix precision as run.json says; returns the device to use."""
    if run.device == "cpu" and run.precision == "fp16":
        raise Rejected("precision fp16 needs a CUDA device; on the CPU take bf16 or fp32")
    if run.device == "cuda":
        _check_cuda(run)
    torch.manual_seed(run.seed)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.use_deterministic_algorithms(run.deterministic)
    torch.backends.cudnn.deterministic = run.deterministic
    torch.backends.cudnn.benchmark = not run.deterministic
    tf32 = run.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    if run.device == "cpu":
        return torch.device("cpu")
    torch.cuda.set_device(run.ranks.local_rank)
    return torch.device("cuda", run.ranks.local_rank)


class Update:
    """One step of an optimizer over the rows of a step, as run.json says: in micro-batches, in its precision, over all ranks.

    `update(rows, loss)` calls `loss(part)` for each micro-batch, a tensor of row numbers on the device; it answers the loss of each row
    and a dict of further values of each row. The gradient is that of the mean loss over all rows of the step, so that micro-batches and
    ranks change it by rounding only (batch statistics, where a model has them, are those of a micro-batch).
    """

    def __init__(self, run, model: torch.nn.Module, optimizer: torch.optim.Optimizer, clip: float | None = None):
        """`clip`: largest norm of the gradient; default none."""
        self._run, self._optimizer, self._clip = run, optimizer, clip
        self._weights = [weight for group in optimizer.param_groups for weight in group["params"] if weight.requires_grad]
        self._buffers = list(model.buffers())
        self._device = self._weights[0].device
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=run.precision == "fp16")
        # Names of the values to log: a rank without a row in a last small batch still takes part in their sum.
        self._names: list[str] = []
        _same_everywhere(run, [*self._weights, *self._buffers])

    def __call__(self, rows: np.ndarray, loss) -> dict:
        run, size = self._run, self._run.step_rows
        sums = None
        for part in self._parts(rows):
            with autocast(run):
                losses, values = loss(part)
            self._scaler.scale(losses.sum() / size).backward()
            self._names = ["loss", *values]
            found = torch.stack([value.detach().sum(dtype=torch.float64) for value in (losses, *values.values())])
            sums = found if sums is None else sums + found
        if run.ranks.size > 1:
            sums = torch.zeros(len(self._names), dtype=torch.float64, device=self._device) if sums is None else sums
            self._sum_over_ranks(sums)
        self._scaler.unscale_(self._optimizer)
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(self._weights, self._clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        return {**dict(zip(self._names, (sums / size).tolist())), **memory(run)}

    def state_dict(self) -> dict:
        return {"scaler": self._scaler.state_dict(), "names": self._names}

    def load_state_dict(self, state: dict) -> None:
        self._names = state["names"]
        if state["scaler"]:
            self._scaler.load_state_dict(state["scaler"])

    def _parts(self, rows: np.ndarray):
        return torch.from_numpy(rows).to(self._device).split(self._run.micro_rows) if len(rows) else ()

    def _sum_over_ranks(self, sums: torch.Tensor) -> None:
        """One sum over all gradients in one order: a resumed run adds the same numbers in the same places."""
        import torch.distributed as distributed

        for weight in self._weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
        for kind in dict.fromkeys(weight.dtype for weight in self._weights):
            grads = [weight.grad for weight in self._weights if weight.dtype == kind]
            flat = torch.cat([grad.reshape(-1) for grad in grads])
            distributed.all_reduce(flat)
            for grad, summed in zip(grads, flat.split([grad.numel() for grad in grads])):
                grad.copy_(summed.view_as(grad))
        distributed.all_reduce(sums)
        _same_everywhere(self._run, self._buffers)


def autocast(run):
    """Mixed precision where run.json names one."""
    if run.precision not in HALF:
        return contextlib.nullcontext()
    return torch.autocast(run.device, dtype=HALF[run.precision])


def recompute(run, *modules: torch.nn.Module) -> None:
    """With `gradientCheckpointing`, these modules keep their inputs alone and compute the rest again on the way back; else nothing."""
    if not run.gradient_checkpointing:
        return
    for module in modules:
        module.forward = functools.partial(_recomputed, module.forward)


def _recomputed(forward, *inputs, **named):
    if not torch.is_grad_enabled():
        return forward(*inputs, **named)
    return checkpoint(forward, *inputs, use_reentrant=False, **named)


def pack(**parts) -> Frozen:
    """A copy of the state of modules, optimizers, schedulers (anything with state_dict), for `state()`."""
    return Frozen({name: _frozen(part.state_dict()) for name, part in parts.items()})


def unpack(packed: Frozen, **parts) -> None:
    """Puts the state of these parts back, for `load_state()` and `warm_start()`."""
    for name, part in parts.items():
        part.load_state_dict(_thawed(packed.value[name]))


def save(path: Path, **parts) -> None:
    """For `save_model()`."""
    torch.save({name: part.state_dict() for name, part in parts.items()}, path)


def load(path: Path, **parts) -> None:
    """For `load_model()`: nothing but tensors is read, no code."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(saved[name])


def memory(run) -> dict:
    """`gpu_memory_mb` for a step's metrics: this process's peak; nothing on a CPU."""
    return {"gpu_memory_mb": torch.cuda.max_memory_allocated() // 2**20} if run.device == "cuda" else {}


def _check_cuda(run) -> None:
    if torch.version.cuda is None:
        raise Rejected("run.json asks for device cuda; this PyTorch was built without CUDA")
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if found <= run.ranks.local_rank:
        # No fault of the parameters: a device or its driver is gone, and another host may have it.
        raise RuntimeError(f"run.json asks for device cuda and {run.ranks.size} of them; PyTorch sees {found}")


def _same_everywhere(run, tensors: list[torch.Tensor]) -> None:
    """Rank 0's values on every rank."""
    if run.ranks.size == 1:
        return
    import torch.distributed as distributed

    with torch.no_grad():
        for tensor in tensors:
            distributed.broadcast(tensor, src=0)


class _Array:
    """A tensor as bytes that pickle hands to the file without a copy. NumPy has no bfloat16, hence bytes."""

    def __init__(self, tensor: torch.Tensor):
        self.type, self.shape = str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape)
        # copy=True: on a CPU the state would otherwise change under the writer's hands.
        copied = tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        self.bytes = copied.reshape(-1).view(torch.uint8).numpy()

    def tensor(self) -> torch.Tensor:
        return torch.from_numpy(self.bytes).view(getattr(torch, self.type)).reshape(self.shape)


def _frozen(value):
    if isinstance(value, torch.Tensor):
        return _Array(value)
    return _mapped(value, _frozen)


def _thawed(value):
    if isinstance(value, _Array):
        return value.tensor()
    return _mapped(value, _thawed)


def _mapped(value, change):
    if isinstance(value, dict):
        # Plain dicts but for PyTorch's own note of a module's version.
        made = type(value)((key, change(entry)) for key, entry in value.items())
        if hasattr(value, "_metadata"):
            made._metadata = value._metadata
        return made
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(change(entry) for entry in value)
    return value
