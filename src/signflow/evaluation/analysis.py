"""All that the report says about runs together, computed once for the page and the tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signflow.evaluation.choice import choose
from signflow.evaluation.comparisons import Comparison, compare_all, compare_with
from signflow.evaluation.experiments import Experiment, find_experiments
from signflow.evaluation.published import PublishedRow, published_rows
from signflow.evaluation.runs import RunRecord
from signflow.evaluation.settings import differing_settings, settings_of, told_settings
from signflow.training import Run


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Runs, and what follows from them.

    Attributes:
        runs: the runs, as they were given.
        experiments: what they belong to.
        chosen: the experiment that validation chooses; None with one alone, where none has
            validation figures, or where they were trained on different signs.
        nets: each net at the settings that validation chooses for it, against each other net.
        settings: the chosen experiment against every other; empty where that is in `nets`.
        published: the course report's runs beside ours; empty where ours repeat none.
        told: the settings that tables show.
        differing: those in which the runs are not all alike.
    """

    runs: tuple[RunRecord, ...]
    experiments: tuple[Experiment, ...]
    chosen: Experiment | None
    nets: tuple[Comparison, ...]
    settings: tuple[Comparison, ...]
    published: tuple[PublishedRow, ...]
    told: tuple[str, ...]
    differing: tuple[str, ...]

    @property
    def several_stores(self) -> bool:
        """Whether the runs were trained on more than one store."""
        return len({run.run.store_path for run in self.runs}) > 1

    @property
    def shown(self) -> Experiment:
        """The experiment to show in full: the chosen one, or else the first."""
        return self.chosen or self.experiments[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """The settings that tell experiments apart, or all that are told where none does."""
        return self.differing or self.told

    @property
    def shared(self) -> str:
        """The told settings that all runs share: `learning rate 1e-4, epochs 10`."""
        settings = settings_of(self.runs[0])
        return ", ".join(
            f"{name} {settings[name]}" for name in self.told if name not in self.columns
        )

    def name_of(self, experiment: Experiment) -> str:
        """Return what tells an experiment from the others: `temporal (batch 4)`."""
        settings = settings_of(experiment.run)
        parts = [f"{name} {settings[name]}" for name in self.differing]
        if self.several_stores:
            parts.append(f"on {experiment.run.run.store_path.name}")
        net = experiment.run.config.model
        return f"{net} ({', '.join(parts)})" if parts else net


def analyse(
    runs: Sequence[RunRecord], *, groups_of: Callable[[Run], Mapping[str, str]]
) -> Analysis:
    """Measure runs together.

    Args:
        runs: one or more.
        groups_of: gives the group (signer, scene) of each clip of a run's store, where known.
    """
    experiments = _in_order(find_experiments(runs, groups_of=groups_of))
    signs = {entry.run.classes for entry in experiments if entry.run.classes}
    chosen = choose(experiments) if len(experiments) > 1 and len(signs) == 1 else None
    nets: list[Comparison] = []
    settings: list[Comparison] = []
    if chosen:
        by_net: dict[str, list[Experiment]] = {}
        for experiment in experiments:
            by_net.setdefault(experiment.run.config.model, []).append(experiment)
        best = [choose(entries) for entries in by_net.values()]
        nets = compare_all([entry for entry in best if entry is not None])
        if len(experiments) > len(by_net):
            settings = compare_with(chosen, experiments)
    return Analysis(
        runs=tuple(runs),
        experiments=tuple(experiments),
        chosen=chosen,
        nets=tuple(nets),
        settings=tuple(settings),
        published=tuple(published_rows(experiments)),
        told=tuple(told_settings(runs)),
        differing=tuple(differing_settings(runs)),
    )


def _in_order(experiments: Sequence[Experiment]) -> list[Experiment]:
    """Sort by net, in the order in which the nets come, and within a net by the settings."""
    nets = list(dict.fromkeys(experiment.run.config.model for experiment in experiments))

    def key(experiment: Experiment) -> tuple[int, list[tuple[int, float, str]]]:
        settings = experiment.run.config.to_dict()
        return nets.index(settings.pop("model")), [_sortable(value) for value in settings.values()]

    return sorted(experiments, key=key)


def _sortable(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (0, 0.0, "") if value is None else (2, 0.0, str(value))
