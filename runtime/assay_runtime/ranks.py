"""Several processes of one run on one host: who this one is, and what they tell each other. One process needs no PyTorch for it."""

import os

import numpy as np

from .exits import Rejected


class Ranks:
    """Rank 0 decides, writes and evaluates; the others compute their share of each step."""

    def __init__(self, size: int = 1, rank: int = 0, local_rank: int = 0):
        self.size, self.rank, self.local_rank = size, rank, local_rank
        self._decision = None

    @classmethod
    def of_environment(cls, size: int, mode: str) -> "Ranks":
        """As `assay_runtime.launch` (or torchrun) says; `size` is what run.json says. Only training takes more than rank 0."""
        if size == 1:
            return cls()
        if mode != "train":
            return cls(rank=int(os.environ.get("RANK", 0)))
        found = os.environ.get("WORLD_SIZE")
        if found is None or "RANK" not in os.environ:
            raise Rejected(f"run.json has worldSize {size}: start the trainer with python -m assay_runtime.launch --processes {size} -- ...")
        if int(found) != size:
            raise Rejected(f"run.json has worldSize {size}, but {found} processes were started")
        rank = int(os.environ["RANK"])
        return cls(size, rank, int(os.environ.get("LOCAL_RANK", rank)))

    def join(self, device: str) -> None:
        """Meets the other ranks: tensors on a GPU travel by NCCL, all else by gloo."""
        if self.size == 1:
            return
        try:
            import torch
            import torch.distributed as distributed
        except ImportError as error:
            raise Rejected(f"worldSize {self.size} needs PyTorch in the trainer's environment") from error
        if device == "cuda":
            torch.cuda.set_device(self.local_rank)
        backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
        rendezvous = os.environ.get("ASSAY_RENDEZVOUS", "env://")
        distributed.init_process_group(backend, init_method=rendezvous, rank=self.rank, world_size=self.size)
        self._decision = torch.zeros(1, dtype=torch.int64)

    def leave(self) -> None:
        """All ranks at the same point; afterwards nothing travels any more."""
        if self._decision is not None:
            import torch.distributed as distributed

            distributed.destroy_process_group()
            self._decision = None

    def decide(self, value: int) -> int:
        """Rank 0's value, on every rank."""
        if self._decision is None:
            return value
        import torch.distributed as distributed

        self._decision[0] = value
        distributed.broadcast(self._decision, src=0)
        return int(self._decision)

    def gather(self, value) -> list | None:
        """Each rank's value, by rank, on rank 0; None elsewhere."""
        if self._decision is None:
            return [value]
        import torch.distributed as distributed

        values = [None] * self.size if self.rank == 0 else None
        distributed.gather_object(value, values, dst=0)
        return values

    def share(self, rows: np.ndarray) -> np.ndarray:
        """This rank's rows of a step; equal shares but for the last batch of an epoch."""
        return rows if self.size == 1 else np.array_split(rows, self.size)[self.rank]
