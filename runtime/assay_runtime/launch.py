"""`python -m assay_runtime.launch --processes N -- train.py ...`: one process a rank on this host, ended together.

A launcher of its own beside torchrun's, since that one loses the contract's exit codes and kills the ranks that a stop would let
write their checkpoint. The ranks' environment is the same.
"""

import ctypes
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from .exits import OUT_OF_MEMORY, REJECTED, YIELDED

# Once a rank has failed the others cannot go on; those that failed as well get this long to end with their own code.
SETTLE_SECONDS = 1.0
USAGE = "usage: python -m assay_runtime.launch --processes N -- SCRIPT [ARGUMENT ...]"


def main(arguments: list[str]) -> int:
    parsed = _parse(arguments)
    if parsed is None:
        print(USAGE, file=sys.stderr)
        return 2
    processes, command = parsed
    with tempfile.TemporaryDirectory(prefix="assay-ranks-") as folder:
        ranks = _Ranks(processes, [sys.executable, *command], Path(folder))
        return ranks.run()


def _parse(arguments: list[str]) -> tuple[int, list[str]] | None:
    match arguments:
        case ["--processes", count, "--", *command] if command and count.isdecimal() and int(count) > 0:
            return int(count), command
    return None


class _Ranks:
    def __init__(self, size: int, command: list[str], folder: Path):
        self._size, self._command, self._folder = size, command, folder
        self._processes: list[subprocess.Popen] = []
        self._ended: queue.SimpleQueue = queue.SimpleQueue()
        self._stop = False

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._on_sigterm)
        try:
            self._start()
            return self._wait()
        finally:
            for process in self._processes:
                if process.poll() is None:
                    process.kill()

    def _start(self) -> None:
        port = _free_port()
        for rank in range(self._size):
            self._processes.append(
                subprocess.Popen(
                    self._command,
                    env={**os.environ, **self._environment(rank, port)},
                    # Turns are taken on standard input: it is rank 0's.
                    stdin=None if rank == 0 else subprocess.DEVNULL,
                    preexec_fn=_die_with_parent,
                )
            )
            threading.Thread(target=self._watch, args=(rank,), daemon=True).start()
        if self._stop:
            self._terminate()

    def _environment(self, rank: int, port: int) -> dict[str, str]:
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": self._size, "LOCAL_WORLD_SIZE": self._size, "GROUP_RANK": 0}
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ASSAY_RENDEZVOUS": f"file://{self._folder / 'rendezvous'}"}
        # All ranks are on this host: a container without network has the loopback.
        loopback = "lo" if sys.platform == "linux" else "lo0"
        sockets = {name: os.environ.get(name, loopback) for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")}
        return {name: str(value) for name, value in {**place, **meeting, **sockets}.items()}

    def _watch(self, rank: int) -> None:
        self._ended.put((rank, self._processes[rank].wait()))

    def _wait(self) -> int:
        """Exit code of each rank in the order of their ends; after the first failure the rest is ended."""
        codes: dict[int, int] = {}
        deadline = None
        while len(codes) < self._size:
            try:
                rank, code = self._ended.get(timeout=None if deadline is None else max(deadline - time.monotonic(), 0))
            except queue.Empty:
                break
            codes[rank] = code
            if code not in (0, YIELDED) and deadline is None:
                deadline = time.monotonic() + SETTLE_SECONDS
        living = [process for process in self._processes if process.poll() is None]
        for process in living:
            process.kill()
        for process in living:
            process.wait()
        sys.stderr.flush()
        return verdict(codes, self._stop)

    def _on_sigterm(self, *_) -> None:
        self._stop = True
        self._terminate()

    def _terminate(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)


def verdict(codes: dict[int, int], stopped: bool) -> int:
    """The exit code for all ranks, from those that ended by themselves, first to last; a sentence for what is no code of the contract."""
    failed = {rank: code for rank, code in codes.items() if code not in (0, YIELDED)}
    if not failed:
        return YIELDED if YIELDED in codes.values() else 0
    for code in (REJECTED, OUT_OF_MEMORY):
        for rank, found in failed.items():
            if found == code:
                print(f"rank {rank} ended with exit code {code}; the other ranks were ended", file=sys.stderr)
                return code
    # A stop before the trainer could answer it: no checkpoint, and no fault.
    if stopped and set(failed.values()) == {-signal.SIGTERM}:
        return 128 + signal.SIGTERM
    killed = {rank: code for rank, code in failed.items() if code < 0}
    rank, code = next(iter(killed.items() or failed.items()))
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    print(f"rank {rank} {how}; the other ranks were ended", file=sys.stderr)
    return 1 if code < 0 else code


def _free_port() -> int:
    """For trainers that meet by MASTER_ADDR and MASTER_PORT; this package's own meet by a file, which nobody else can take."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """A launcher that is killed leaves no rank behind."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
