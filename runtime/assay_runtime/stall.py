"""How much of the training was spent waiting for data, over all starts of a run."""


class Stall:
    def __init__(self):
        self.waited = 0.0
        """Seconds of the step under way."""
        self._data = self._steps = 0.0

    def add(self, seconds: float) -> None:
        """A step is over: `seconds` is its whole time."""
        self._data += self.waited
        self._steps += seconds

    def share(self) -> float:
        """0 to 1, of the time of all steps."""
        return min(self._data / self._steps, 1.0) if self._steps > 0 else 0.0

    def state(self) -> list[float]:
        return [self._data, self._steps]

    def load_state(self, state: list[float]) -> None:
        self._data, self._steps = state
