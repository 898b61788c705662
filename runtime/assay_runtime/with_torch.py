"""PyTorch under the contract: device, determinism, precision, state."""

import contextlib
import io
import os

# cuBLAS reads it when it starts; without it sums on the device may differ from run to run.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import torch

from .exits import Rejected


def prepare(run) -> torch.device:
    """Seeds, threads, determinism and matrix precision as run.json says; returns the device to use."""
    if run.device == "cuda" and not torch.cuda.is_available():
        raise Rejected("run.json asks for device cuda; this PyTorch sees none")
    torch.manual_seed(run.seed)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.use_deterministic_algorithms(run.deterministic)
    torch.backends.cudnn.benchmark = not run.deterministic
    tf32 = run.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    return torch.device(run.device)


def autocast(run):
    """Mixed precision where run.json names one."""
    types = {"bf16": torch.bfloat16, "fp16": torch.float16}
    if run.precision not in types:
        return contextlib.nullcontext()
    return torch.autocast(run.device, dtype=types[run.precision])


def pack(**parts) -> bytes:
    """State of modules, optimizers, schedulers (anything with state_dict), for `state()`."""
    content = io.BytesIO()
    torch.save({name: part.state_dict() for name, part in parts.items()}, content)
    return content.getvalue()


def unpack(content: bytes, **parts) -> None:
    """Puts a packed state back, for `load_state()`."""
    saved = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(saved[name])


def memory(run) -> dict:
    """`gpu_memory_mb` for a step's metrics; nothing on a CPU."""
    return {"gpu_memory_mb": torch.cuda.max_memory_allocated() // 2**20} if run.device == "cuda" else {}
