"""The noise is the promised one. OpenDP cannot be seeded: each bound below fails by chance less than once in 10^9."""

import math
from fractions import Fraction

import pytest

from sandbox import noise

DRAWS = 200_000
# Dvoretzky-Kiefer-Wolfowitz with Massart's constant: P(sup |F_n - F| > t) <= 2 exp(-2 n t^2).
FAR = math.sqrt(math.log(2e9) / (2 * DRAWS))


def below(k: int, spread: float) -> float:
    """P(X <= k) of discrete Laplace noise: mass (1 - a) / (1 + a) a^|k|, a = exp(-1 / spread)."""
    a = math.exp(-1 / spread)
    return 1 - a ** (k + 1) / (1 + a) if k >= 0 else a**-k / (1 + a)


def shares(numbers: list[int], span: range) -> list[float]:
    ordered, found, at = sorted(numbers), [], 0
    for k in span:
        while at < len(ordered) and ordered[at] <= k:
            at += 1
        found.append(at / len(ordered))
    return found


@pytest.mark.parametrize(("sensitivity", "epsilon_micro"), [(1, 1_000_000), (4, 500_000)])
def test_the_noise_has_the_distribution_that_the_proof_speaks_of(sensitivity: int, epsilon_micro: int) -> None:
    numbers = noise.laplace([0] * DRAWS, sensitivity, epsilon_micro)
    spread = sensitivity * 1_000_000 / epsilon_micro
    span = range(-60, 60)
    found = shares(numbers, span)
    assert max(abs(share - below(k, spread)) for k, share in zip(span, found, strict=True)) < FAR
    # The bound tells a scale that is five per cent too small from the right one.
    assert max(abs(share - below(k, spread * 0.95)) for k, share in zip(span, found, strict=True)) > FAR / 2


def test_no_event_tells_two_neighbours_apart_by_more_than_epsilon() -> None:
    sensitivity, epsilon_micro = 4, 500_000
    span = range(-30, 30)
    near = shares(noise.laplace([0] * DRAWS, sensitivity, epsilon_micro), span)
    far = shares(noise.laplace([sensitivity] * DRAWS, sensitivity, epsilon_micro), span)
    most = math.exp(epsilon_micro / 1_000_000)
    for one, other in zip(near, far, strict=True):
        for left, right in ((one, other), (1 - one, 1 - other), (other, one), (1 - other, 1 - one)):
            assert left - FAR <= most * (right + FAR)


@pytest.mark.parametrize("sensitivity", [1, 3, 7, 50, 10**9 + 7, 50 * 100_100_000, 2**62])
@pytest.mark.parametrize("epsilon_micro", [1, 3, 99_999, 100_000, 333_333, 1_000_000, 7_000_001])
def test_opendp_confirms_every_epsilon_and_little_of_it_is_wasted(sensitivity: int, epsilon_micro: int) -> None:
    import opendp.prelude as dp

    dp.enable_features("contrib")
    spread = noise.scale(sensitivity, epsilon_micro)
    mechanism = dp.m.make_laplace(dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64"), scale=spread)
    proved = Fraction(mechanism.map(sensitivity))
    assert Fraction(epsilon_micro, 1_000_000) * Fraction(999_999, 1_000_000) < proved <= Fraction(epsilon_micro, 10**6)


def test_numbers_beyond_the_range_are_held_not_refused() -> None:
    found = noise.laplace([10**30, -(10**30), 0], 1, 1_000_000)
    assert abs(found[0] - noise.LARGEST) < 1_000
    assert abs(found[1] + noise.LARGEST) < 1_000
    assert noise.laplace([], 1, 1_000_000) == []
    assert len(noise.laplace([2**61], 2**62, 1)) == 1


def test_the_half_width_holds_nineteen_times_in_twenty() -> None:
    width = noise.half_width(4, 500_000, 0.05)
    inside = sum(abs(number) <= width for number in noise.laplace([0] * DRAWS, 4, 500_000)) / DRAWS
    assert 0.95 - FAR < inside < 0.98
