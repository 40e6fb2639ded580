from collections.abc import Mapping
from pathlib import Path

import pytest

from signflow.evaluation.analysis import Analysis, analyse
from signflow.evaluation.findings import findings, once_in
from signflow.evaluation.runs import RunRecord
from signflow.training import TrainConfig

from .made_up import write_run

CLIPS = 60


def analysis(
    tmp_path: Path,
    shares: Mapping[tuple[str, int, int], float],
    *,
    groups: dict[str, str] | None = None,
    asked: int = CLIPS,
) -> Analysis:
    """Experiments (net, batch size, seed) that recognise a share of the clips on val and test."""
    records = []
    for (net, batch, seed), share in shares.items():
        hits = [(7 * clip + seed) % 20 < 20 * share for clip in range(CLIPS)]
        config = TrainConfig(model=net, batch_size=batch, seed=seed, epochs=1)
        path = tmp_path / f"{net}_{batch}_{seed}"
        write_run(path, config, correct={"val": hits, "test": hits}, asked=asked)
        records.append(RunRecord.read(path))
    return analyse(records, groups_of=lambda _: groups or {})


def test_a_large_difference_is_called_real_and_a_small_one_noise(tmp_path: Path) -> None:
    shares = {("temporal", 4, 0): 0.9, ("late-fusion", 4, 0): 0.85, ("spatial", 4, 0): 0.2}
    text = " ".join(findings(analysis(tmp_path, shares, asked=70)))
    assert "Validation chooses temporal. It recognises 90.0" in text
    assert "of 60 of 70 test clips" in text
    assert "guessing would give 33" in text
    assert "Real: temporal is better than spatial by 70.0 points on the same 60 clips" in text
    assert "Real: late-fusion is better than spatial" in text
    assert "no difference is shown between temporal and late-fusion." in text
    assert "With 60 clips a difference under about" in text
    assert "seed alone" not in text


def test_settings_of_one_net_are_compared_with_the_chosen_ones(tmp_path: Path) -> None:
    shares = {("temporal", 4, 0): 0.9, ("temporal", 8, 0): 0.85, ("temporal", 16, 0): 0.2}
    found = analysis(tmp_path, shares)
    text = " ".join(findings(found))
    assert "Validation chooses temporal (batch 4)." in text
    assert (
        "Of the 2 other experiments 1 is worse than the chosen one beyond chance; 1 cannot be told"
        in text
    )
    assert found.nets == ()


def test_what_the_seed_moves_is_told(tmp_path: Path) -> None:
    shares = {("temporal", 4, 0): 0.6, ("temporal", 4, 1): 0.8}
    text = " ".join(findings(analysis(tmp_path, shares)))
    assert "This is temporal. It recognises 70.0" in text
    assert "moves the top-1 of one and the same experiment by up to 20.0 points" in text


def test_few_signers_are_told_to_be_few(tmp_path: Path) -> None:
    groups = {f"test/{clip:03}": f"signer {clip // 10}" for clip in range(CLIPS)}
    text = " ".join(findings(analysis(tmp_path, {("temporal", 4, 0): 0.6}, groups=groups)))
    assert "The clips are of 6 signers or scenes; for new ones expect" in text
    assert "rough for so few" in text


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (1e-9, "less often than once in 1,000 times"),
        (0.048, "about once in 21 times"),
        (0.7, "every other time or more"),
    ],
)
def test_chances_are_told_in_words(p: float, words: str) -> None:
    assert once_in(p) == words


def test_runs_on_different_signs_are_not_ranked(tmp_path: Path) -> None:
    records = []
    for net, classes in (("temporal", ("a", "b")), ("spatial", ("c", "d"))):
        config = TrainConfig(model=net, epochs=1)
        path = write_run(tmp_path / net, config, correct={"val": [True, False]}, classes=classes)
        records.append(RunRecord.read(path))
    assert analyse(records, groups_of=lambda _: {}).chosen is None


def test_a_difference_that_hangs_on_few_signers_is_said_to(tmp_path: Path) -> None:
    groups = {f"test/{clip:03}": f"signer {clip // 10}" for clip in range(CLIPS)}
    records = []
    for net, signers in (("temporal", 4), ("spatial", 1)):
        hits = [clip < 10 * signers for clip in range(CLIPS)]
        config = TrainConfig(model=net, epochs=1)
        path = write_run(tmp_path / net, config, correct={"val": hits, "test": hits})
        records.append(RunRecord.read(path))
    text = " ".join(findings(analyse(records, groups_of=lambda _: groups)))
    assert "Real: temporal is better than spatial by 50.0 points" in text
    assert "but over signers or scenes about once in 4 times, so that it may not hold" in text
