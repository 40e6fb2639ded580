from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, permutation_test

from signflow.evaluation.comparisons import (
    compare_all,
    compare_with,
    holm,
    mcnemar,
    sign_flip,
)
from signflow.evaluation.experiments import Experiment, find_experiments
from signflow.evaluation.runs import RunRecord
from signflow.training import TrainConfig

from .made_up import write_run

CLIPS = 60


def experiments(
    tmp_path: Path, outcomes: dict[str, Sequence[Sequence[bool]]], *, signers: int = 0
) -> list[Experiment]:
    """An experiment a net, with a run a seed that recognises the given test clips."""
    runs = []
    for net, seeds in outcomes.items():
        for seed, correct in enumerate(seeds):
            config = TrainConfig(model=net, epochs=1, seed=seed)
            path = tmp_path / f"{net} {seed}"
            runs.append(write_run(path, config, correct={"test": correct}))
    groups = {f"test/{n:03}": f"signer {n * signers // CLIPS}" for n in range(CLIPS) if signers}
    records = [RunRecord.read(path) for path in runs]
    return find_experiments(records, groups_of=lambda _: groups)


def drawn(seed: int, share: float, clips: int = CLIPS) -> list[bool]:
    return (np.random.default_rng(seed).random(clips) < share).tolist()


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemars_test_is_the_binomial_test_of_the_clips_that_differ(
    only_first: int, only_second: int
) -> None:
    differing = only_first + only_second
    expected = binomtest(only_first, differing, 0.5).pvalue if differing else 1.0
    assert mcnemar(only_first, only_second) == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=2, max_size=9))
def test_flipping_signs_agrees_with_trying_all_of_them(differences: list[int]) -> None:
    values = np.array(differences)
    tried = permutation_test(
        (values,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="greater"
    )
    expected = np.mean(np.abs(tried.null_distribution) >= abs(values.sum()))
    assert sign_flip(values)[0] == pytest.approx(expected)


@pytest.mark.parametrize("values", [[1] * 8, [1] * 7 + [-1] * 5, [3, 3, 2, 2, 1, 1, 1, 1, 1], [2]])
def test_the_least_significant_sum_is_significant_and_none_below_it_is(values: list[int]) -> None:
    signs = np.array(list(product((-1, 1), repeat=len(values))))
    reached = np.abs(signs @ np.abs(values))
    p_of = {int(total): float((reached >= total).mean()) for total in reached}
    expected = min((total for total, p in p_of.items() if p < 0.05), default=None)
    assert sign_flip(np.array(values))[1] == expected


def test_many_clips_and_seeds_are_tested_as_exactly() -> None:
    generator = np.random.default_rng(0)
    differences = generator.integers(-6, 7, size=6000)
    p, least = sign_flip(differences)
    # With so many clips the sum is normal under chance.
    spread = float(np.sqrt((differences**2).sum()))
    assert p == pytest.approx(2 * norm.sf((abs(differences.sum()) - 0.5) / spread), rel=0.01)
    assert least == pytest.approx(1.96 * spread, rel=0.01)


def test_alike_on_every_clip_is_no_difference() -> None:
    assert sign_flip(np.zeros(5, dtype=np.int64)) == (1.0, None)


def test_holms_correction_of_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_under_chance_few_of_many_corrected_tests_find_something() -> None:
    generator = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        nets = generator.random((4, 50)) < 0.4
        p_values = [
            mcnemar(int((nets[i] & ~nets[j]).sum()), int((nets[j] & ~nets[i]).sum()))
            for i in range(4)
            for j in range(i)
        ]
        found += min(holm(p_values)) < 0.05
    assert found <= 18


def test_one_run_each_is_compared_by_mcnemars_test(tmp_path: Path) -> None:
    first, second = drawn(1, 0.8), drawn(2, 0.3)
    [pair] = compare_all(experiments(tmp_path, {"temporal": [first], "spatial": [second]}))
    only_first = sum(a and not b for a, b in zip(first, second, strict=True))
    only_second = sum(b and not a for a, b in zip(first, second, strict=True))
    assert (pair.only_first, pair.only_second, pair.clips) == (only_first, only_second, CLIPS)
    assert pair.p == pytest.approx(mcnemar(only_first, only_second))
    assert pair.difference.value == pytest.approx((only_first - only_second) / CLIPS)
    assert pair.difference.low is not None
    assert pair.difference.high is not None
    assert pair.difference.low < pair.difference.value < pair.difference.high
    assert pair.real
    assert pair.p_over_groups is None
    assert pair.least is not None
    assert mcnemar_of_share(pair.least, only_first + only_second) < 0.05


def mcnemar_of_share(share: float, differing: int) -> float:
    lead = round(share * CLIPS)
    return mcnemar((differing + lead) // 2, (differing - lead) // 2)


def test_the_same_runs_under_several_seeds_are_no_more_different(tmp_path: Path) -> None:
    first, second = drawn(1, 0.6), drawn(2, 0.4)
    [once] = compare_all(experiments(tmp_path / "1", {"temporal": [first], "spatial": [second]}))
    outcomes = {"temporal": [first] * 3, "spatial": [second] * 2}
    [often] = compare_all(experiments(tmp_path / "2", outcomes))
    assert often.p == pytest.approx(once.p)
    assert often.difference.value == pytest.approx(once.difference.value)
    assert often.only_first == pytest.approx(once.only_first)


def test_clips_that_stand_and_fall_with_their_signer_prove_less(tmp_path: Path) -> None:
    # The first net is better on four of eight signers, on all clips of each.
    better = [number * 8 // CLIPS < 4 for number in range(CLIPS)]
    outcomes = {"temporal": [better], "spatial": [[False] * CLIPS]}
    [pair] = compare_all(experiments(tmp_path, outcomes, signers=8))
    assert pair.p < 1e-6
    assert pair.p_over_groups == pytest.approx(0.125)


def test_the_correction_grows_with_the_comparisons_made(tmp_path: Path) -> None:
    nets = {
        "spatial": [drawn(1, 0.3)],
        "temporal": [drawn(2, 0.5)],
        "early-fusion": [drawn(3, 0.6)],
        "late-fusion": [drawn(4, 0.6)],
    }
    found = experiments(tmp_path, nets)
    pairs, with_one = compare_all(found), compare_with(found[0], found)
    assert (len(pairs), len(with_one)) == (6, 3)
    smallest = min(pairs, key=lambda pair: pair.p)
    assert smallest.p_corrected == pytest.approx(6 * smallest.p)
    assert all(pair.p <= pair.p_corrected for pair in pairs)


def test_only_common_clips_are_compared(tmp_path: Path) -> None:
    outcomes = {"spatial": [drawn(1, 0.3)], "temporal": [drawn(2, 0.5, clips=20)]}
    [pair] = compare_all(experiments(tmp_path, outcomes))
    assert pair.clips == 20
