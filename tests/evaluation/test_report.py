import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from signflow.errors import UserError
from signflow.evaluation.experiments import find_experiments
from signflow.evaluation.metrics import split_result
from signflow.evaluation.published import CONTRADICTIONS, PublishedRow, published_rows
from signflow.evaluation.report import largest_confusions, write_report
from signflow.evaluation.runs import RunRecord
from signflow.evaluation.words import duration, percent, rate, span
from signflow.files import write_json
from signflow.store import Store
from signflow.training import TrainConfig

from .conftest import GLOSSES, MakeRun
from .made_up import write_run
from .test_published import REPEATED, TEN

VOID = {"meta", "br", "image", "path", "use", "link", "img", "hr", "rect"}


class Page(HTMLParser):
    """A page's words, tags and attributes; fails where tags are not closed in their order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self._open: list[str] = []
        self._words: list[str] = []
        self.feed(self.source)
        assert self._open == []
        self.text = re.sub(r"[ \n]+", " ", " ".join(self._words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self._words.append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


def report(runs: list[Path], tmp_path: Path) -> Page:
    return Page(write_report(runs, tmp_path / "pages" / "report.html"))


def test_the_page_holds_every_figure_of_a_run(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    record = RunRecord.read(run)
    page = report([run], tmp_path)
    for result in record.splits.values():
        assert f"{result.clips} of {result.asked} clips" in page.text
        assert f"{result.loss.value:.3f}" in page.text
        assert result.top5 is not None
        for interval in (result.top1, result.top5, result.per_class_mean):
            assert f"{percent(interval.value)} {span(interval)}" in page.text
        for entry in result.per_class:
            assert f"{percent(entry.accuracy.value, 0)} {entry.correct} of {entry.clips}" in (
                page.text
            )
    for words in ("201,715,010", "1 min 36 s", "1e-5", "epoch 2 of 3 was the best by validation"):
        assert words in page.text
    assert record.train_command() in page.text
    assert record.evaluate_command("test") in page.text


def test_the_confusion_matrix_holds_the_counts_in_their_places(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(splits=("test",))
    confusion = RunRecord.read(run).splits["test"].confusion
    titles = report([run], tmp_path).values("title")
    expected = [
        f"{GLOSSES[true]} → {GLOSSES[taken]}: {count} of {sum(row)}"
        for true, row in enumerate(confusion)
        for taken, count in enumerate(row)
        if count
    ]
    # Once for the experiment, once for its run.
    assert titles == expected + expected


def test_the_page_needs_nothing_from_outside_and_runs_no_script(
    make_run: MakeRun, tmp_path: Path
) -> None:
    page = report([make_run()], tmp_path)
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    for name in ("src", "href", "xlink:href"):
        for value in page.values(name):
            assert value.startswith(("#", "data:image/jpeg;base64,"))
    for address in re.findall(r"url\(([^)]*)", page.source):
        assert address.startswith("#")
    assert "@import" not in page.source


def test_what_users_name_is_shown_as_they_wrote_it(make_run: MakeRun, tmp_path: Path) -> None:
    page = report([make_run()], tmp_path)
    for gloss in GLOSSES:
        assert gloss in page.text
    assert "<script>alert" not in page.source
    assert "2.5 <b>" in page.text
    assert "2.5 <b>" not in page.source


def test_every_name_within_the_page_is_unique_and_every_reference_leads_somewhere(
    make_run: MakeRun, tmp_path: Path
) -> None:
    page = report([make_run("temporal"), make_run("spatial")], tmp_path)
    names = page.values("id")
    assert len(names) == len(set(names))
    references = page.values("href") + page.values("xlink:href") + page.values("aria-labelledby")
    targets = {value.lstrip("#") for value in references if not value.startswith("data:")}
    targets |= set(re.findall(r"url\(#([^)]*)\)", page.source))
    assert targets <= set(names)
    assert len(targets) > 6


def test_right_and_wrong_clips_are_drawn_once_each(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run("temporal"), make_run("spatial")]
    page = report(runs, tmp_path)
    assert page.text.count("Right ") == 6
    assert page.text.count("Wrong ") == 6
    # Both runs say the same of every clip here, so they show the same six; beside these there are
    # the examples of confused pairs.
    images = [value for tag, name, value in page.attributes if (tag, name) == ("image", "id")]
    shown = page.tags.count("use")
    assert 6 <= len(images) < shown


def test_runs_that_differ_in_seed_are_also_taken_together(
    make_run: MakeRun, tmp_path: Path
) -> None:
    page = report([make_run(seed=0), make_run(seed=1)], tmp_path)
    assert "2 runs of 1 experiment" in page.text
    assert "2 groups" in page.text
    assert "Test by seed" in page.text
    alone = report([make_run(seed=0), make_run("spatial")], tmp_path)
    assert "of 1 experiment" not in alone.text
    assert "Test by seed" not in alone.text


def test_a_run_that_is_not_evaluated_says_how_to(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(splits=())
    page = report([run], tmp_path)
    assert f"Test was not evaluated: signflow evaluate '{run}' --split test" in page.text
    assert "Validation was not evaluated" in page.text


@pytest.mark.parametrize("finished", [0, 2])
def test_a_killed_run_says_how_far_it_came(
    make_run: MakeRun, tmp_path: Path, finished: int
) -> None:
    page = report([make_run(finished=finished, splits=())], tmp_path)
    assert f"{finished} of 3 epochs are finished" in page.text
    assert ("Loss" in page.text) == (finished > 0)


def test_a_store_that_is_gone_leaves_the_figures(
    make_run: MakeRun, tmp_path: Path, store: Store
) -> None:
    run = make_run()
    config = run / "config.json"
    config.write_text(config.read_text().replace(str(store.path), str(tmp_path / "gone")))
    page = report([run], tmp_path)
    assert "No clips can be shown" in page.text
    assert "12 of 13 clips" in page.text
    assert "image" not in page.tags


def test_no_runs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no runs to report on"):
        write_report([], tmp_path / "report.html")


def test_many_classes_are_listed_by_their_commonest_mistakes() -> None:
    labels = [0, 0, 0, 1]
    scores = [[0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]
    result = split_result("abcd", labels, scores, classes=("x", "y", "z"), asked=4)
    assert largest_confusions(result, 5) == [("x", "y", 2, 3), ("x", "z", 1, 3)]
    assert largest_confusions(result, 1) == [("x", "y", 2, 3)]


def test_a_page_on_many_classes_lists_mistakes_instead_of_a_matrix(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(splits=("test",))
    classes = [f"sign {number}" for number in range(60)]
    labels = list(range(60))
    scores = np.eye(60)
    scores[7, [7, 8]] = scores[7, [8, 7]]
    result = split_result([f"clip {n}" for n in labels], labels, scores, classes=classes, asked=60)
    value = json.loads((run / "result.json").read_text(encoding="utf-8"))
    value |= {"classes": classes, "splits": {"test": result.to_dict()}}
    (run / "result.json").write_text(json.dumps(value))
    page = report([run], tmp_path)
    assert "60 classes are too many for a matrix" in page.text
    assert "sign 7 taken for sign 8 (1 of 1)." in page.text
    assert page.values("title") == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0.4, "0 s"), (59.6, "1 min 00 s"), (192, "3 min 12 s"), (7500, "2 h 05 min")],
)
def test_times_are_told_as_people_read_them(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_rates_are_told_in_their_short_form() -> None:
    assert [rate(value) for value in (1e-5, 5e-4, 0.1)] == ["1e-5", "5e-4", "0.1"]


def test_the_reports_runs_with_three_seeds_make_a_page_below_15_megabytes(tmp_path: Path) -> None:
    configs = {row.config for row in published_rows_of_any(tmp_path)}
    generator = np.random.default_rng(0)
    for config in configs:
        name = f"{config.model}_bs{config.batch_size}_lr{config.learning_rate:g}"
        first = write_run(
            tmp_path / "sweep" / f"{name}_seed0",
            config,
            correct={split: (generator.random(93) < 0.4).tolist() for split in ("val", "test")},
            classes=TEN,
            asked=102,
        )
        for seed in (1, 2):
            again = shutil.copytree(first, tmp_path / "sweep" / f"{name}_seed{seed}")
            settings = (again / "config.json").read_text()
            (again / "config.json").write_text(settings.replace('"seed": 0', f'"seed": {seed}'))
    page = report([tmp_path / "sweep"], tmp_path)
    assert len(page.source) < 15e6
    assert "84 runs of 28 experiments" in page.text
    assert page.text.count("93 of 102 clips") >= 84
    assert page.text.count("signflow train ") == 84
    assert page.text.count("not run") == 0
    assert "27 comparisons" in page.text
    sheets = [value for _, name, value in page.attributes if name == "popovertarget"]
    assert len(set(sheets)) == 2 * 28
    assert set(sheets) <= set(page.values("id"))


def published_rows_of_any(tmp_path: Path) -> list[PublishedRow]:
    run = write_run(tmp_path / "any", REPEATED, correct={"test": [True, False]}, classes=TEN)
    return published_rows(find_experiments([RunRecord.read(run)], groups_of=lambda _: {}))


def test_the_published_figures_stand_beside_ours_with_the_contradictions(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", REPEATED, correct={"test": [True] * 30 + [False] * 30})
    assert "course report" not in report([run], tmp_path).text
    ten = write_run(tmp_path / "ten", REPEATED, correct={"test": [True, False]}, classes=TEN)
    text = report([ten], tmp_path).text
    assert "1 of its 32 runs repeated" in text
    assert f"{percent(0.3587)} 26.8–46.1" in text
    for sentence in CONTRADICTIONS:
        assert sentence in text


def test_a_run_that_failed_is_listed_with_its_reason(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(finished=1, splits=())
    write_json(run / "failed.json", {"reason": "the training loss is nan in epoch 2: it diverged"})
    text = report([run, make_run("spatial")], tmp_path).text
    assert "The training failed: the training loss is nan in epoch 2: it diverged" in text


def test_the_experiments_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for batch in (16, 4, 8):
        config = TrainConfig(batch_size=batch, epochs=1)
        write_run(tmp_path / "runs" / f"{batch}", config, correct={"val": [True, False]})
    runs = [tmp_path / "runs" / name for name in ("16", "8", "4")]
    names = re.findall(r"<figcaption>batch (\d+)", report(runs, tmp_path).source)
    assert names == ["4", "8", "16"]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
@pytest.mark.parametrize("width", [375, 730, 768, 1010, 1280])
def test_the_page_is_no_wider_than_the_screen(
    make_run: MakeRun, tmp_path: Path, width: int
) -> None:
    write_report([make_run(seed=seed) for seed in range(2)], tmp_path / "report.html")
    # A browser window cannot be as narrow as a phone, a frame in it can.
    (tmp_path / "measure.html").write_text(
        f"""<iframe src="report.html" style="width: {width}px; height: 900px; border: 0"
        onload="let page = this.contentDocument.documentElement;
        document.title = 'measured ' + page.clientWidth + ' ' + page.scrollWidth"></iframe>"""
    )
    options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-quic"
    options += " --disable-background-networking --disable-component-update --disable-sync"
    options += " --allow-file-access-from-files --virtual-time-budget=5000 --dump-dom"
    shown = subprocess.run(
        [
            "chromium",
            *options.split(),
            f"--user-data-dir={tmp_path / 'browser'}",
            (tmp_path / "measure.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    measured = re.search(r"measured (\d+) (\d+)", shown)
    assert measured is not None
    assert int(measured[1]) <= width
    assert int(measured[2]) == int(measured[1])
