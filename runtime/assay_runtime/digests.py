"""What a later run is compared with, step by step: the rows of each step, and the trainer's state from time to time."""

import hashlib
import sys
import time
import types

import numpy as np

# Most of the training's time that digests of the state may take.
SHARE = 0.01


def rows_digest(ids: np.ndarray) -> str:
    """Of the ids of a step's rows, in their order."""
    return hashlib.blake2b(np.ascontiguousarray(ids).tobytes(), digest_size=8).hexdigest()


class StateDigests:
    """`state` events after the steps 1, 2, 4, 8, ... while they cost next to nothing, and after the last one.

    Checkpoints are made by the clock, at other steps each time; these steps two runs have in common.
    """

    def __init__(self, run, trainer):
        self._run, self._trainer = run, trainer
        self._spent = self._last = 0.0
        self._step: int | None = None
        # Others have a part of the state, and rank 0 alone is asked for it.
        self._silent = run.ranks.rank > 0

    def after(self, step: int, seconds: float) -> None:
        """`seconds`: of training so far, in this start."""
        if step & (step - 1) == 0 and self._spent + self._last <= SHARE * seconds or step == 1:
            self.now(step)

    def now(self, step: int) -> None:
        if self._silent or step == self._step:
            return
        began = time.perf_counter()
        try:
            found = content_digest(self._trainer.state())
        except Exception as error:
            # A training is not lost for what nobody may ever ask.
            self._silent = True
            self._run.events.warning(f"the state has no digest, so that a replay compares none: {type(error).__name__}: {error}")
            return
        self._last = time.perf_counter() - began
        self._spent += self._last
        self._step = step
        self._run.events.emit("state", step=step, digest=found)


def content_digest(value) -> str:
    """Of what a value says, however its parts are shared or were pickled before: equal contents have equal digests."""
    return _Walk().digest(value).hex()


class _Walk:
    def __init__(self):
        # By identity; the values are held, so that no identity is used twice.
        self._known: dict[int, tuple[bytes, object]] = {}

    def digest(self, value) -> bytes:
        if value is None or isinstance(value, (bool, int, float, complex, str)) and type(value) in _plain:
            return _hash(type(value).__name__, repr(value).encode())
        if isinstance(value, (bytes, bytearray)):
            return _hash("bytes", value)
        known = self._known.get(id(value))
        if known is not None:
            return known[0]
        # What leads back to itself.
        self._known[id(value)] = (b"cycle", value)
        found = self._of(value)
        self._known[id(value)] = (found, value)
        return found

    def _of(self, value) -> bytes:
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return _hash("scalar", value.dtype.str.encode(), value.tobytes())
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.Tensor):
            plain = value.detach().cpu().contiguous()
            return _hash("tensor", str(plain.dtype).encode(), repr(tuple(plain.shape)).encode(), plain.reshape(-1).view(torch.uint8).numpy().data)
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)):
            return _hash("name", getattr(value, "__module__", None) or "", getattr(value, "__qualname__", value.__name__))
        if type(value) in (list, tuple):
            return _hash(type(value).__name__, *map(self.digest, value))
        if type(value) in (set, frozenset):
            return _hash("set", *sorted(map(self.digest, value)))
        if type(value) is dict:
            return self._pairs("dict", value.items())
        return self._object(value)

    def _array(self, value: np.ndarray) -> bytes:
        facts = (value.dtype.descr.__repr__().encode(), repr(value.shape).encode())
        if value.dtype.hasobject:
            return _hash("objects", *facts, *map(self.digest, value.ravel().tolist()))
        return _hash("array", *facts, np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)

    def _pairs(self, kind: str, pairs) -> bytes:
        """In whatever order they were put there."""
        return _hash(kind, *sorted(self.digest(key) + self.digest(entry) for key, entry in pairs))

    def _object(self, value) -> bytes:
        """As pickle takes it apart."""
        parts = value.__reduce_ex__(4)
        if isinstance(parts, str):
            return _hash("name", type(value).__qualname__, parts)
        made, arguments, state, items, pairs, *_ = (*parts, None, None, None, None)
        return _hash(
            "object",
            *(self.digest(part) for part in (made, tuple(arguments or ()), state)),
            *(self.digest(item) for item in items or ()),
            self._pairs("pairs", pairs or ()),
        )


_plain = {type(None), bool, int, float, complex, str}


def _hash(kind: str, *parts) -> bytes:
    found = hashlib.blake2b(kind.encode(), digest_size=16)
    for part in parts:
        part = part.encode() if isinstance(part, str) else part
        # The lengths keep neighbours apart.
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.digest()
