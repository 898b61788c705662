"""Exit codes of the contract, and the errors that lead to them."""

import sys
import traceback
from contextlib import contextmanager

YIELDED = 75
REJECTED = 78
OUT_OF_MEMORY = 86


class Rejected(Exception):
    """The parameters or the data are wrong: the same run would fail again."""


class Stopped(BaseException):
    """The stop that was asked for. No `except Exception` of a library may swallow it."""


@contextmanager
def exits():
    """Ends the process with the contract's code for what was raised inside; a crash keeps its traceback and Python's code 1."""
    try:
        yield
    except Stopped:
        code = YIELDED
    except Rejected as error:
        print(f"rejected: {error}", file=sys.stderr)
        code = REJECTED
    except Exception as error:
        if _is_parameter_error(error):
            print(f"rejected: {error}", file=sys.stderr)
            code = REJECTED
        elif _is_out_of_memory(error):
            traceback.print_exc()
            code = OUT_OF_MEMORY
        else:
            raise
    else:
        return
    sys.stderr.flush()
    sys.exit(code)


def _is_parameter_error(error: Exception) -> bool:
    validation = sys.modules.get("sklearn.utils._param_validation")
    return validation is not None and isinstance(error, validation.InvalidParameterError)


def _is_out_of_memory(error: Exception) -> bool:
    # Of the host as well: a smaller micro-batch mends both, as it does where the container's limit is met.
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    if isinstance(error, torch.OutOfMemoryError):
        return True
    # cuBLAS, cuDNN, NCCL and the CPU's allocator report a failed allocation as a plain RuntimeError.
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _allocation_failures)


_allocation_failures = (
    "CUDA out of memory",
    "CUDA error: out of memory",
    "STATUS_ALLOC_FAILED",
    "Cuda failure 2 'out of memory'",
    "DefaultCPUAllocator: ",
)
