"""What a result may depend on beside data, seed and parameters."""

import importlib
import json
import os
import platform
import sys
from pathlib import Path


def environment(device: str = "cpu") -> dict:
    """Versions of every library that is loaded, threads, BLAS, processor; each a plain value."""
    found = {"python": sys.version.split()[0], "platform": sys.platform, "machine": platform.machine(), "assay_runtime": "1.0.0"}
    found |= {"cpu": processor(), "threads": _number(os.environ.get("OMP_NUM_THREADS"))}
    found |= _libraries()
    if "numpy" in sys.modules:
        found["blas"] = _blas(sys.modules["numpy"])
    torch = sys.modules.get("torch")
    if torch is not None:
        found["torch_threads"] = torch.get_num_threads()
        if device == "cuda" and torch.cuda.is_available():
            found["cuda"] = torch.version.cuda
            found["device"] = torch.cuda.get_device_name()
    return {name: value for name, value in found.items() if value is not None}


def processor() -> str | None:
    """The model as the kernel names it: libraries choose their instructions by it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name") and ":" in line]
    return named[0] if named else platform.processor() or None


def _libraries() -> dict:
    """Modules beside Python's own that say their version."""
    found = {}
    for name, module in sorted(sys.modules.items()):
        # Not by getattr: that wakes up what a module loads lazily.
        version = vars(module).get("__version__") if hasattr(module, "__dict__") else None
        if "." not in name and not name.startswith("_") and name not in sys.stdlib_module_names and isinstance(version, str):
            found[name] = str(version)
    return found


def _blas(numpy) -> str | None:
    """Of the build; NumPy before 1.26 does not say."""
    try:
        blas = numpy.__config__.CONFIG["Build Dependencies"]["blas"]
        return f"{blas['name']} {blas['version']}"
    except (AttributeError, KeyError, TypeError):
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def main(names: list[str]) -> None:
    """Prints what a trainer would find here that loads these libraries: `assay replay` asks before it starts one."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # it is then missing from what is printed
    print(json.dumps(environment()))
