"""The only noise there is: discrete Laplace on integers, drawn and proved by OpenDP. Nothing home-made.

OpenDP takes its randomness from the operating system and cannot be seeded, on purpose: who knew the seed would know
the numbers. Its samplers are exact (no floating point reaches the noise), so the attacks on the last bits of floats
(Mironov 2012; Jin, McMurtry, Rubinstein, Ohrimenko 2022) have nothing to work on.
"""

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

MICRO = 1_000_000  # an epsilon is counted in millionths
LARGEST = 2**61  # a number given to the noise stays within it, so that noise of 64 bits has room
LEAST = 1 / 64  # of a scale: under it noise is 0 but for a chance of 2 exp(-64), and OpenDP's estimate overflows
STEPS = 64  # of a float, up to which a scale is widened until its proof holds


class NoiseUnproved(RuntimeError):
    """OpenDP does not confirm the epsilon asked for: no number may leave. Never expected."""


def laplace(numbers: list[int], sensitivity: int, epsilon_micro: int) -> list[int]:
    """The numbers with discrete Laplace noise: `epsilon_micro` millionths for a change of `sensitivity` in all (L1)."""
    # Clamping moves no two numbers apart, so it costs nothing; it makes every input a legal one.
    held = [max(-LARGEST, min(LARGEST, number)) for number in numbers]
    noisy: list[int] = _mechanism(scale(sensitivity, epsilon_micro))(held)
    return noisy


@lru_cache(maxsize=1024)
def half_width(sensitivity: int, epsilon_micro: int, alpha: float) -> int:
    """The noise of one number is at most this, but for a chance of `alpha`."""
    spread = scale(sensitivity, epsilon_micro)
    if spread < LEAST:
        return 0
    width: float = _opendp().discrete_laplacian_scale_to_accuracy(scale=spread, alpha=alpha)
    return math.ceil(width)


@lru_cache(maxsize=1024)  # proved once: of numbers of the policy, and of no data
def scale(sensitivity: int, epsilon_micro: int) -> float:
    """The narrowest scale near sensitivity / epsilon whose privacy map, computed by OpenDP, stays within epsilon."""
    found = sensitivity * MICRO / epsilon_micro
    for _ in range(STEPS):
        if Fraction(_mechanism(found).map(sensitivity)) <= Fraction(epsilon_micro, MICRO):
            return found
        found = math.nextafter(found, math.inf)
    raise NoiseUnproved


def _mechanism(spread: float) -> Any:
    dp = _opendp()
    return dp.m.make_laplace(dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64"), scale=spread)


def _opendp() -> Any:
    """Imported when it is first needed: it is large, and most rooms add no noise."""
    import opendp.prelude as dp

    # OpenDP marks as "contrib" what its reviewers have not yet proved on paper line by line; make_laplace's proof is
    # among those published, but the flag guards the whole module.
    dp.enable_features("contrib")
    return dp
