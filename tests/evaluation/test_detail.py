import numpy as np
import pytest

from signflow.evaluation.detail import detail_of
from signflow.evaluation.experiments import find_experiments
from signflow.evaluation.gallery import Gallery
from signflow.evaluation.intervals import wilson_interval_of_share
from signflow.evaluation.runs import RunRecord
from signflow.store import Store

from .conftest import GLOSSES, MakeRun


def test_an_experiment_in_full_adds_up(make_run: MakeRun, store: Store) -> None:
    records = [RunRecord.read(make_run(seed=seed)) for seed in range(2)]
    [experiment] = find_experiments(records, groups_of=lambda _: {})
    signers = {row.clip.clip_id: row.clip.signer or "" for row in store.rows}
    detail = detail_of(experiment, signers=signers, gallery=Gallery(store, name="clip"))
    assert detail is not None
    confusions = [np.array(record.splits["test"].confusion) for record in records]
    assert np.array_equal(detail.confusion, sum(confusions))
    assert [part.name for part in detail.classes] == list(GLOSSES)
    shares = np.diag(detail.confusion) / detail.confusion.sum(axis=1)
    for part, share in zip(detail.classes, shares, strict=True):
        assert part.clips == 2
        assert part.accuracy.value == pytest.approx(share)
        assert part.accuracy.low == pytest.approx(wilson_interval_of_share(share, 2).low)
    assert {part.name for part in detail.signers} == {"test signer 0", "test signer 1"}
    values = [part.accuracy.value or 0.0 for part in detail.signers]
    assert values == sorted(values, reverse=True)
    assert sum(entry.clips for entry in detail.bins) == 24


def test_confused_pairs_are_shown_by_a_mistaken_and_a_proper_clip(
    make_run: MakeRun, store: Store
) -> None:
    record = RunRecord.read(make_run())
    [experiment] = find_experiments([record], groups_of=lambda _: {})
    detail = detail_of(experiment, signers={}, gallery=Gallery(store, name="clip"))
    assert detail is not None
    assert detail.signers == []
    counts = [pair.count for pair in detail.pairs]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] >= 1
    for pair in detail.pairs:
        assert pair.mistaken is not None
        assert (pair.mistaken.gloss, pair.mistaken.right) == (pair.gloss, False)
        assert pair.mistaken.guesses[0][1] == pair.taken_for
        assert pair.proper is None or (pair.proper.gloss, pair.proper.right) == (
            pair.taken_for,
            True,
        )


def test_without_a_store_the_pairs_are_still_counted(make_run: MakeRun) -> None:
    [experiment] = find_experiments([RunRecord.read(make_run())], groups_of=lambda _: {})
    detail = detail_of(experiment, signers={}, gallery=None)
    assert detail is not None
    assert detail.pairs
    assert all(pair.mistaken is None for pair in detail.pairs)


def test_what_was_not_evaluated_on_test_has_no_detail(make_run: MakeRun) -> None:
    [experiment] = find_experiments(
        [RunRecord.read(make_run(splits=("val",)))], groups_of=lambda _: {}
    )
    assert detail_of(experiment, signers={}, gallery=None) is None
