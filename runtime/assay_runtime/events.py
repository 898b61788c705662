"""`out/events.jsonl`: one JSON object a line, each written whole by one system call."""

import json
import math
import os
import sys
from datetime import datetime, timezone
from pathlib import Path

from .files import plain


class Events:
    """Appends events. On resume, what an earlier start wrote after the checkpoint is dropped: those steps come again."""

    def __init__(self, path: Path, resumed_from: int | None = None):
        self._step = resumed_from or 0
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = _lines_up_to(path, resumed_from) if resumed_from is not None and path.exists() else []
        writing = path.with_name(f".{path.name}.writing")
        writing.write_bytes(b"".join(kept))
        os.replace(writing, path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def emit(self, type: str, **fields) -> None:
        self._write({"type": type, **fields})

    def step(self, step: int, metrics: dict | None, rows: int, seconds: float, data_seconds: float, order: str | None = None) -> None:
        """`seconds`: the whole step; `data_seconds`: the part of it spent waiting for its rows; `order`: digest of their ids."""
        self._step = step
        times = {"throughput_samples_per_sec": round(rows / seconds, 1), "seconds": round(seconds, 6), "data_seconds": round(data_seconds, 6)}
        self._write({"type": "step", "step": step, **(metrics or {}), **times, **({"order": order} if order else {})})

    def warning(self, message: str) -> None:
        self._write({"type": "warning", "step": self._step, "message": message})

    def close(self) -> None:
        os.close(self._file)

    def _write(self, event: dict) -> None:
        event["timestamp"] = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            line = json.dumps(event, allow_nan=False, default=plain)
        except ValueError:
            # JSON has no NaN: the value is left out, and named.
            line = json.dumps(_finite(event), allow_nan=False, default=plain)
        os.write(self._file, line.encode() + b"\n")


class NoEvents:
    """For ranks other than 0: nothing is written, warnings go to standard error."""

    def __init__(self, rank: int):
        self._rank = rank

    def emit(self, type: str, **fields) -> None:
        pass

    def step(self, *_) -> None:
        pass

    def warning(self, message: str) -> None:
        print(f"rank {self._rank}: {message}", file=sys.stderr)

    def close(self) -> None:
        pass


def _lines_up_to(path: Path, step: int) -> list[bytes]:
    kept = []
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if line.endswith(b"\n") and event.get("step", 0) <= step:
            kept.append(line)
    return kept


def _finite(event: dict) -> dict:
    plain_values = {key: value.item() if hasattr(value, "item") else value for key, value in event.items()}
    bad = [key for key, value in plain_values.items() if isinstance(value, float) and not math.isfinite(value)]
    return {**{key: value for key, value in plain_values.items() if key not in bad}, "not_finite": bad}
