"""What the figures say, in sentences that a student understands."""

from collections.abc import Sequence
from statistics import median

from signflow.evaluation.analysis import Analysis
from signflow.evaluation.comparisons import Comparison
from signflow.evaluation.experiments import Experiment
from signflow.evaluation.words import percent, points, span

_MOST_LISTED = 6

_FEW_GROUPS = 20
"""With fewer groups their bootstrap interval tends to be too narrow."""


def findings(analysis: Analysis) -> list[str]:
    """Return the report's conclusions: what was chosen, which differences are real, which noise."""
    sentences = [*_about_the_best(analysis), *_about_the_nets(analysis)]
    sentences += [*_about_the_settings(analysis), *_about_noise(analysis)]
    return sentences


def once_in(p: float) -> str:
    """Return how often chance does something: `about once in 20 times`."""
    if p < 0.001:
        return "less often than once in 1,000 times"
    if p >= 0.4:
        return "every other time or more"
    return f"about once in {round(1 / p)} times"


def _about_the_best(analysis: Analysis) -> list[str]:
    best = analysis.shown
    if best.test is None or best.test.top1.value is None:
        return []
    choice = "Validation chooses" if analysis.chosen else "This is"
    name, test = analysis.name_of(best), best.test
    seeds = f" (mean of {test.runs} runs)" if test.runs > 1 else ""
    chance = f"; guessing would give {percent(1 / len(best.run.classes), 0)}"
    sentences = [
        f"{choice} {name}. It recognises {percent(test.top1.value)}{seeds} of {test.clips} of"
        f" {test.asked} test clips; on other clips of the kind the true share lies between"
        f" {span(test.top1)} % with 95 % confidence{chance}."
    ]
    if "top1" in test.over_groups:
        sentences.append(
            f"The clips are of {test.groups} signers or scenes; for new ones expect"
            f" {span(test.over_groups['top1'])} %"
            + (", which is rough for so few." if test.groups < _FEW_GROUPS else ".")
        )
    return sentences


def _about_the_nets(analysis: Analysis) -> list[str]:
    sentences = []
    for pair in analysis.nets:
        if pair.real:
            better, worse = _sorted(pair)
            sentences.append(
                f"Real: {analysis.name_of(better)} is better than {analysis.name_of(worse)} by"
                f" {points(abs(pair.difference.value or 0.0))} points on the same {pair.clips}"
                f" clips. Chance alone makes a difference this large {once_in(pair.p_corrected)}"
                f"{_with_few_signers(pair)}."
            )
    alike = [pair for pair in analysis.nets if not pair.real]
    if alike:
        names = [
            f"{analysis.name_of(pair.first)} and {analysis.name_of(pair.second)}"
            for pair in alike[:_MOST_LISTED]
        ]
        rest = len(alike) - len(names)
        listed = "; ".join(names) + (f"; and {rest} more pairs" if rest else "")
        sentences.append(
            f"Noise: no difference is shown between {listed}. What their figures differ by, chance"
            " would give too often."
        )
    return sentences


def _about_the_settings(analysis: Analysis) -> list[str]:
    if not analysis.settings:
        return []
    real = [pair for pair in analysis.settings if pair.real]
    worse = [pair for pair in real if (pair.difference.value or 0.0) > 0]
    better = len(real) - len(worse)
    level = len(analysis.settings) - len(real)
    sentence = (
        f"Of the {len(analysis.settings)} other experiments {_are(len(worse))} worse than the"
        f" chosen one beyond chance; {level} cannot be told from it"
    )
    if better:
        sentence += f", and {_are(better)} better on test, which validation did not see"
    return [sentence + "."]


def _are(count: int) -> str:
    return f"{count or 'none'} {'is' if count == 1 else 'are'}"


def _about_noise(analysis: Analysis) -> list[str]:
    sentences = []
    pairs = [*analysis.nets, *analysis.settings]
    least = [pair.least for pair in pairs if pair.least is not None]
    if least:
        clips = sorted({pair.clips for pair in pairs})
        number = str(clips[0]) if len(clips) == 1 else f"{clips[0]} to {clips[-1]}"
        sentences.append(
            f"With {number} clips a difference under about {points(median(least))} points between"
            " two nets cannot be told from chance, and less so when many are compared."
        )
    moved = [_moved(entry) for entry in analysis.experiments]
    if max(moved, default=0.0) > 0:
        sentences.append(
            "The seed alone, which means nothing, moves the top-1 of one and the same experiment by"
            f" up to {points(max(moved))} points."
        )
    return sentences


def _moved(experiment: Experiment) -> float:
    by_seed: Sequence[float] = list(experiment.test.by_seed.values()) if experiment.test else []
    return max(by_seed) - min(by_seed) if len(by_seed) > 1 else 0.0


def _sorted(pair: Comparison) -> tuple[Experiment, Experiment]:
    forward = (pair.difference.value or 0.0) >= 0
    return (pair.first, pair.second) if forward else (pair.second, pair.first)


def _with_few_signers(pair: Comparison) -> str:
    if pair.p_over_groups is None or pair.holds_for_new_signers:
        return ""
    return (
        f"; but over signers or scenes {once_in(pair.p_over_groups)}, so that it may not hold for"
        " new ones"
    )
