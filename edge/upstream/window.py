"""How much was counted in the last seconds: a ring of buckets, so that forgetting costs nothing."""

from __future__ import annotations

_BUCKETS = 10


class Window:
    """Counts, and the total of the last `length_s` seconds, to a tenth of that."""

    def __init__(self, length_s: float) -> None:
        self._bucket_s = length_s / _BUCKETS
        self._counts = [0] * _BUCKETS
        self._newest = 0  # number of the bucket that is being filled

    def add(self, now_s: float) -> None:
        self._forget(now_s)
        self._counts[self._newest % _BUCKETS] += 1

    def total(self, now_s: float) -> int:
        self._forget(now_s)
        return sum(self._counts)

    def clear(self) -> None:
        self._counts = [0] * _BUCKETS

    def _forget(self, now_s: float) -> None:
        """Empty the buckets that have passed; after a clock was set back or far ahead, all of them."""
        number = int(now_s / self._bucket_s)
        if number == self._newest:
            return
        if 0 < number - self._newest < _BUCKETS:
            for passed in range(self._newest + 1, number + 1):
                self._counts[passed % _BUCKETS] = 0
        else:
            self.clear()
        self._newest = number
