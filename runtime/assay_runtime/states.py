"""Every random state that decides what a resumed run does next. The data order needs none: see `order.py`."""

import random
import sys

import numpy as np


def seed_all(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


def seed_rank(seed: int, rank: int) -> None:
    """Dropout and other noise differ by rank; rank 0 goes on as a single process would."""
    if rank > 0:
        seed_all(int(np.random.SeedSequence([seed, rank]).generate_state(1)[0]))


def capture(ranks) -> dict:
    states = {"python": random.getstate(), "numpy": np.random.get_state()}
    torch = sys.modules.get("torch")
    if torch is not None:
        states["torch"] = torch.get_rng_state().numpy()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            # Of several ranks each has its own device, and touches no other.
            devices = range(torch.cuda.device_count()) if ranks.size == 1 else [ranks.local_rank]
            states["cuda"] = {device: torch.cuda.get_rng_state(device).numpy() for device in devices}
    return states


def restore(states: dict) -> None:
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch = sys.modules.get("torch")
    if torch is not None and "torch" in states:
        torch.set_rng_state(torch.from_numpy(states["torch"]))
        for device, state in states.get("cuda", {}).items():
            torch.cuda.set_rng_state(torch.from_numpy(state), device)
