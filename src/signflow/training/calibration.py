"""What a net's scores are worth: fitted on validation when training ends, kept with the weights.

Nets are surer than they are right, or less sure. One number, a temperature, mends most of that (Guo
et al., "On Calibration of Modern Neural Networks", ICML 2017), and changes no ranking. Below a
threshold the answer is "not sure".
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from signflow.models import scores

Floats = NDArray[np.float64]

LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.5, 10.0
WANTED_PRECISION = 0.9
"""Share of the answered validation clips that should be answered rightly."""

MOST_REFUSED = 0.5
"""A recogniser that is hardly ever sure is of no use: no more of validation is given up."""

_FUSION_STEPS = 1000


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How a net's logits become scores, and from which score on it is sure.

    The defaults change nothing: a net that was never calibrated.

    Attributes:
        temperature: above 1 softens the scores, below 1 sharpens them.
        threshold: a highest score below it means "not sure", 0 to 1.
        stream_weights: how much the scores of each stream count, summing to 1; None: alike.
        clips: validation clips that all this was fitted on; 0: none.
        answered: how many of them have a score from the threshold on.
        right: how many of those are recognised.
        criterion: how the threshold was chosen, for people.
        clip_seconds: median length of those clips, in seconds: how long a sign takes, about; 0: not
            known.
    """

    temperature: float = 1.0
    threshold: float = 0.0
    stream_weights: tuple[float, ...] | None = None
    clips: int = 0
    answered: int = 0
    right: int = 0
    criterion: str = ""
    clip_seconds: float = 0.0

    def apply(self, logits: Tensor) -> Tensor:
        """Scores (B, C) of logits (B, S, C), each row summing to 1.

        The calibrated scores are softmax(log(fused) / temperature), where the fused ones are the
        weighted mean over the streams: each clip's classes keep their order.
        """
        weights = None if self.stream_weights is None else logits.new_tensor(self.stream_weights)
        fused = scores(logits, weights=weights)
        if self.temperature == 1:
            return fused
        # In 64 bits, so that no two scores become alike before the last rounding.
        return fused.double().log().div(self.temperature).softmax(dim=1).to(fused.dtype)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Calibration":
        """The calibration that `to_dict` wrote; what another version knew besides is passed over.

        Raises:
            TypeError, ValueError: a value is not what it must be.
        """
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        if (weights := known.get("stream_weights")) is not None:
            known["stream_weights"] = tuple(float(weight) for weight in weights)
        calibration = cls(**known)
        if not calibration.temperature > 0:
            raise ValueError(f"temperature is {calibration.temperature}; must be above 0")
        return calibration


UNCALIBRATED = Calibration()


def fit_calibration(logits: Tensor, labels: Tensor, *, learned_fusion: bool) -> Calibration:
    """Fit all that is fitted after training, on clips that were not learnt from.

    The streams' weights first, then the temperature of the fused scores, then the threshold of the
    calibrated ones. Each is held back where clips are few: `fit_stream_weights` and
    `fit_temperature` say how, `choose_threshold` which criterion it goes by.

    Args:
        logits: (B, S, C), of every validation clip. (Validation has chosen the epoch as well: it
            flatters the net a little, and so does what is fitted here.)
        labels: int64 (B,).
        learned_fusion: whether the streams' weights are fitted, or alike.

    Returns:
        The calibration; one that changes nothing where logits are not finite.
    """
    if not torch.isfinite(logits).all():
        return Calibration(criterion="not fitted: the net's answers are not finite")
    logits, truth = logits.double(), labels.numpy()
    weights = None
    if learned_fusion and logits.shape[1] > 1:
        weights = fit_stream_weights(logits.softmax(dim=2).numpy(), truth)
    fused = Calibration(stream_weights=weights).apply(logits)
    temperature = fit_temperature(fused.log().numpy(), truth)
    calibrated = Calibration(temperature=temperature, stream_weights=weights).apply(logits).numpy()
    confidence, correct = calibrated.max(axis=1), calibrated.argmax(axis=1) == truth
    threshold, criterion = choose_threshold(confidence, correct, classes=logits.shape[2])
    answered = confidence >= threshold
    return Calibration(
        temperature=temperature,
        threshold=threshold,
        stream_weights=weights,
        clips=len(truth),
        answered=int(answered.sum()),
        right=int(correct[answered].sum()),
        criterion=criterion,
    )


def fit_stream_weights(probabilities: Floats, labels: NDArray[np.int64]) -> tuple[float, ...]:
    """The weights of the streams' scores under which the true signs are likeliest.

    By expectation maximisation: the logarithm of a mixture is concave in its weights, so every
    start leads to the one optimum. One more clip, which speaks for all streams alike, keeps a
    handful of clips from silencing a stream.

    Args:
        probabilities: float64 (B, S, C), softmax of each stream.
        labels: int64 (B,).

    Returns:
        A weight a stream, not negative, summing to 1.
    """
    clips, streams, _ = probabilities.shape
    of_truth = probabilities[np.arange(clips), :, labels]
    of_truth = np.maximum(of_truth, np.finfo(np.float64).tiny)
    weights = np.full(streams, 1 / streams)
    for _ in range(_FUSION_STEPS):
        shares = weights * of_truth
        shares /= shares.sum(axis=1, keepdims=True)
        weights = (shares.sum(axis=0) + 1 / streams) / (clips + 1)
    return tuple((weights / weights.sum()).tolist())


def fit_temperature(log_scores: Floats, labels: NDArray[np.int64]) -> float:
    """The temperature under which the true signs are likeliest.

    Where every clip is recognised, the likeliest is absolute certainty. So the temperature is also
    held to 1, by as much as its natural logarithm, squared and halved: nothing to a hundred clips,
    much to five. It stays between 0.5 and 10.

    Args:
        log_scores: float64 (B, C), logarithms of scores.
        labels: int64 (B,).
    """
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = log_scores / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        likelihoods = scaled[rows, labels] - np.log(np.exp(scaled).sum(axis=1))
        return float(-likelihoods.sum() + log_temperature**2 / 2)

    log_scores = np.maximum(log_scores, np.log(np.finfo(np.float64).tiny))
    bounds = (np.log(LEAST_TEMPERATURE), np.log(MOST_TEMPERATURE))
    found = scipy.optimize.minimize_scalar(loss, bounds=bounds, method="bounded")
    return float(np.exp(found.x))


def choose_threshold(
    confidence: Floats, correct: NDArray[np.bool_], *, classes: int
) -> tuple[float, str]:
    """The score from which on an answer is worth giving.

    The lowest threshold at which 90 % of the answered clips are right; a half of the clips is
    refused at most. Where that is not to be had, the one within that half with the largest share of
    right answers. Even where nothing needs to be refused, what is far less sure than every
    validation clip is: the threshold then lies halfway between the least sure of them and chance.

    Args:
        confidence: float64 (B,), the highest score of each clip.
        correct: bool (B,), whether it is the true sign's.
        classes: number of signs; chance is one in so many.

    Returns:
        The threshold, and a sentence that says how it came about.

    Example:
        >>> choose_threshold(np.array([0.4, 0.6, 0.9]), np.array([False, True, True]), classes=4)[0]
        0.5
    """
    order = np.argsort(confidence, kind="stable")
    steps = np.concatenate([[1 / classes], confidence[order]])
    best: tuple[float, float] | None = None
    for refused in range(int(len(order) * MOST_REFUSED) + 1):
        below, above = steps[refused], steps[refused + 1]
        if refused and below == above:  # no threshold lies between equals
            continue
        threshold = float((below + above) / 2)
        precision = float(correct[order[refused:]].mean())
        if precision >= WANTED_PRECISION:
            return threshold, (
                f"the lowest at which {WANTED_PRECISION:.0%} of the answers on validation are right"
            )
        if best is None or precision > best[1]:
            best = threshold, precision
    if best is None:
        return 0.0, "none: no clips to choose it on"
    return best[0], (
        f"the best while no more than {MOST_REFUSED:.0%} of validation is refused;"
        f" {WANTED_PRECISION:.0%} right answers were not to be had"
    )
