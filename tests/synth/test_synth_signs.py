import numpy as np
import pytest

from signflow.errors import UserError
from signflow.synth.pose import elbow
from signflow.synth.signer import draw_signer
from signflow.synth.signs import GLOSSES, MAX_CLASSES, Performance, ease, rest_wrist, sign_of
from signflow.synth.stage import Camera, Stage

SIGNER = draw_signer("3", seed=1)
OPPOSITES = [("hello", "deaf"), ("orange", "happy"), ("teacher", "want"), ("nice", "like")]


def performance(gloss: str) -> Performance:
    return Performance(sign_of(GLOSSES.index(gloss)), SIGNER, seconds=2.0, seed=5)


@pytest.mark.parametrize("gloss", GLOSSES)
def test_every_sign_starts_and_ends_at_rest_and_never_jumps(gloss: str) -> None:
    signed = performance(gloss)
    wrists = np.stack([signed.at(moment).wrist for moment in np.linspace(0, 1, 201)])
    np.testing.assert_allclose(wrists[[0, -1]], [rest_wrist(SIGNER)] * 2, atol=1e-9)
    assert np.linalg.norm(np.diff(wrists, axis=0), axis=1).max() < 0.04


@pytest.mark.parametrize(("one", "other"), OPPOSITES)
def test_opposite_signs_visit_the_same_places_in_opposite_order(one: str, other: str) -> None:
    moments = np.linspace(0.3, 0.7, 41)
    first = np.stack([performance(one).at(m).wrist for m in moments])
    second = np.stack([performance(other).at(m).wrist for m in moments])
    np.testing.assert_allclose(first[20], second[20], atol=0.03)
    there, back = first[-1] - first[0], second[-1] - second[0]
    cosine = there @ back / np.linalg.norm(there) / np.linalg.norm(back)
    assert cosine < -0.95


@pytest.mark.parametrize(("one", "other"), OPPOSITES)
def test_opposite_signs_look_alike_in_the_middle_and_differ_before(one: str, other: str) -> None:
    stage = Stage(SIGNER, Camera(160, 105, 240), (240, 320), period=48, seed=1)

    def difference(moment: float) -> float:
        pictures = [stage.signing(0, performance(g), moment).astype(int) for g in (one, other)]
        return float(np.abs(pictures[0] - pictures[1]).mean())

    middle = min(difference(moment) for moment in (0.48, 0.49, 0.5, 0.51, 0.52))
    assert middle < 0.6 * difference(0.3)


def test_there_is_another_sign_for_every_label() -> None:
    signs = [sign_of(label) for label in range(MAX_CLASSES)]
    assert len(set(signs[10:])) == MAX_CLASSES - 10
    assert MAX_CLASSES >= 1000


@pytest.mark.parametrize("label", [-1, MAX_CLASSES])
def test_a_label_without_a_sign_is_refused(label: int) -> None:
    with pytest.raises(UserError, match=str(MAX_CLASSES)):
        sign_of(label)


def test_a_signer_is_the_same_for_the_same_key_and_seed() -> None:
    assert draw_signer("3", seed=1) == SIGNER
    assert draw_signer("4", seed=1) != SIGNER
    assert draw_signer("3", seed=2) != SIGNER


def test_few_signers_are_left_handed() -> None:
    left = sum(draw_signer(str(key), seed=0).left_handed for key in range(500))
    assert 25 <= left <= 80


@pytest.mark.parametrize("wrist", [(0.2, 0.3, 0.2), (0.3, -0.2, 0.1), (0.9, 0.9, 0.9)])
def test_arms_keep_their_lengths(wrist: tuple[float, float, float]) -> None:
    shoulder = np.array([0.18, 0.05, 0.0])
    bent, reached = elbow(shoulder, np.array(wrist), (0.28, 0.25))
    assert np.linalg.norm(bent - shoulder) == pytest.approx(0.28)
    assert np.linalg.norm(reached - bent) == pytest.approx(0.25)


def test_the_idle_loop_ends_where_it_begins() -> None:
    stage = Stage(SIGNER, Camera(80, 52, 120), (120, 160), period=24, seed=1)
    np.testing.assert_array_equal(stage.idle(0), stage.idle(24))
    np.testing.assert_array_equal(stage.idle(0), stage.signing(0, performance("hello"), 0.0))
    assert (stage.idle(12) != stage.idle(0)).any()


def test_movements_start_and_end_slowly() -> None:
    assert [ease(0), ease(0.5), ease(1)] == pytest.approx([0, 0.5, 1])
    assert ease(0.1) < 0.01
