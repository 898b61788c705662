"""
A small matrix product of known result on one device: `python -m assay_runtime.device_check --device cuda|cpu --uuid GPU-...`.
Prints one JSON line, {"ok": true, "ms": 1.9, "uuid": "GPU-...", "free": 84000000000, "name": "..."} (`ms` the median time of a
product, `free` in bytes) or {"ok": false, "reason": "...", "message": "..."}, and ends with 0, 1 (the device computes wrongly, is
another one or fails), 69 (no PyTorch with CUDA), 78 (no such device, or a wrong argument) or 86 (out of memory).
"""

import argparse
import json
import os
import statistics
import sys
import time

FAILED = 1
UNAVAILABLE = 69
REJECTED = 78
OUT_OF_MEMORY = 86

RANK = 4
REPEATS = 5


class Failed(Exception):
    """The check is over: exit code, reason for programs, message for people."""

    def __init__(self, code: int, reason: str, message: str):
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m assay_runtime.device_check")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--uuid", default=None, help="GPU-... or MIG-...; default: the first device that is visible")
    parser.add_argument("--size", type=int, default=2048, help="rows and columns of the matrices")
    given = parser.parse_args(arguments)
    if given.device == "cuda" and given.uuid:
        # Before PyTorch is loaded: it looks at this once.
        os.environ["CUDA_VISIBLE_DEVICES"] = given.uuid
    try:
        said, code = {"ok": True, **check(given.device, given.uuid, given.size)}, 0
    except Failed as failure:
        said, code = {"ok": False, "reason": failure.reason, "message": failure.message}, failure.code
    print(json.dumps(said), flush=True)
    return code


def check(device: str, uuid: str | None, size: int) -> dict:
    try:
        import torch
    except ImportError as error:
        raise Failed(UNAVAILABLE, "no-torch", f"PyTorch is not installed here ({error})") from None
    try:
        found = describe(torch, device, uuid)
        return {"ms": round(multiply(torch, device, size), 3), **found}
    except RuntimeError as error:
        if any(text in str(error) for text in ("out of memory", "ALLOC_FAILED", "can't allocate memory")):
            raise Failed(OUT_OF_MEMORY, "out-of-memory", f"no memory for three matrices of {size} x {size}: {first_line(error)}") from None
        raise Failed(FAILED, "device-error", first_line(error)) from None


def describe(torch, device: str, uuid: str | None) -> dict:
    if device == "cpu":
        return {"uuid": None, "free": os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), "name": "cpu"}
    if torch.version.cuda is None:
        # The device may be as well as can be: this PyTorch cannot tell.
        raise Failed(UNAVAILABLE, "no-cuda", "PyTorch is built without CUDA here")
    if not torch.cuda.is_available():
        raise Failed(REJECTED, "no-device", f"CUDA finds no device {uuid or ''}".rstrip())
    properties = torch.cuda.get_device_properties(0)
    own = f"GPU-{properties.uuid}" if getattr(properties, "uuid", None) else None
    # CUDA names a MIG instance by its device or not at all.
    if uuid and own and uuid.startswith("GPU-") and own.lower() != uuid.lower():
        raise Failed(FAILED, "wrong-device", f"asked for {uuid}, CUDA gives {own}")
    return {"uuid": uuid or own, "free": torch.cuda.mem_get_info()[0], "name": properties.name}


def multiply(torch, device: str, size: int) -> float:
    """Milliseconds of one product. Small integers: each partial sum is exact in float32, in any order and with TF32."""
    left, right, expected = matrices(torch, size)
    left, right = left.to(device), right.to(device)
    times = []
    for _ in range(REPEATS + 1):
        wait(torch, device)
        begin = time.perf_counter()
        product = left @ right
        wait(torch, device)
        times.append((time.perf_counter() - begin) * 1000)
        wrong = int((product.cpu() != expected).sum())
        if wrong:
            raise Failed(FAILED, "wrong-product", f"{wrong} of {size * size} values of a matrix product are wrong")
    # The first one loads the kernels.
    return statistics.median(times[1:])


def matrices(torch, size: int):
    """Two matrices of low rank and their product, which their factors give without a large product: (L M)(N R) = L (M N) R."""
    # At most 16 an entry of each matrix, and 256 a term of the sum.
    if 256 * size >= 2**24:
        raise Failed(REJECTED, "too-large", f"--size {size}: the product is exact below {2**16}")
    generator = torch.Generator().manual_seed(0)
    left, middle, inner, right = (torch.randint(-2, 3, (size, RANK), generator=generator) for _ in range(4))
    middle, right = middle.T, right.T
    expected = (left @ (middle @ inner)) @ right
    return (left @ middle).float(), (inner @ right).float(), expected.float()


def wait(torch, device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


if __name__ == "__main__":
    sys.exit(main())
