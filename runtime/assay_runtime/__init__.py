"""The trainer's side of the run contract, version 1."""

import os

# One thread unless the starter says otherwise: sums then have one order, and runs side by side do not crowd each other.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from .data import Data, Split  # noqa: E402
from .exits import Rejected, Stopped, exits  # noqa: E402
from .run import Budget, Run  # noqa: E402


def main(trainer) -> None:
    """Loads the run that ASSAY_RUN names, does what its mode asks with `trainer`, and exits as the contract says."""
    with exits():
        Run.load().fit(trainer)


__all__ = ["Budget", "Data", "Rejected", "Run", "Split", "Stopped", "exits", "main"]
