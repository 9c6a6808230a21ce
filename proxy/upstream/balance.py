"""Which backend of a rule, then which endpoint of the backend."""

from collections.abc import Sequence
from math import gcd


class WeightedTurns:
    """Smooth weighted round robin: after n choices each index was taken within one of n * weight / sum.

    The k-th turn of a weight w out of W must fall after (k-1)*W/w and not after k*W/w. Choosing, among
    those whose turn has begun, the one whose turn ends first keeps every bound (Tijdeman, "The chairman
    assignment problem", 1980). The common greedy variant does not for more than two weights.
    """

    __slots__ = ("__weakref__", "_round", "_taken", "_total", "_weights")

    def __init__(self, weights: Sequence[int]) -> None:
        common = gcd(*weights) or 1
        self._weights = [weight // common for weight in weights]
        self._total = sum(self._weights)
        self._taken = [0] * len(weights)
        self._round = 0

    def next(self) -> int:
        """The next index; -1 when all weights are 0."""
        total, taken, now = self._total, self._taken, self._round
        best, best_end = -1, 0
        for i, weight in enumerate(self._weights):
            if weight and taken[i] * total <= now * weight:
                # The turn ends at ceil((taken + 1) * total / weight).
                end = -(-(taken[i] + 1) * total // weight)
                if best < 0 or end < best_end:
                    best, best_end = i, end
        if best < 0:
            return -1
        taken[best] += 1
        self._round = now + 1
        if self._round == total:
            self._round = 0
            self._taken = [0] * len(taken)
        return best
