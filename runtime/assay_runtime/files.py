"""Writing so that a reader never sees half of something, and a power cut does not take it back."""

import json
import os
import shutil
from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Writes beside the target, syncs, renames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writing = path.with_name(f".{path.name}.writing")
    with open(writing, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(writing, path)
    sync_folder(path.parent)


def write_json(path: Path, value) -> None:
    write_file(path, json.dumps(value, allow_nan=False, indent=2, default=plain).encode() + b"\n")


def replace_folder(writing: Path, target: Path) -> None:
    """Syncs every file of `writing` and renames it to `target`; a folder already there is set aside first."""
    for folder, _, names in os.walk(writing):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                os.fsync(file.fileno())
        sync_folder(folder)
    if target.exists():
        old = target.with_name(f".{target.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        os.rename(target, old)
        os.rename(writing, target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.rename(writing, target)
    sync_folder(target.parent)


def sync_folder(path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def plain(value):
    """NumPy and framework scalars as JSON numbers."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not a JSON value")
