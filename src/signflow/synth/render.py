"""Render a set of signers, or stand-ins for the videos of real annotations."""

import base64
import hashlib
from collections.abc import Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from signflow.annotations.clip import SPLITS, Split
from signflow.errors import UserError
from signflow.files import read_json, write_json
from signflow.processes import worker_pool
from signflow.progress import progress_bar
from signflow.synth.annotate import entry
from signflow.synth.config import SynthConfig
from signflow.synth.film import film
from signflow.synth.msasl import MsaslVideos, plan_annotations
from signflow.synth.plan import Act, Take, VideoPlan
from signflow.synth.signer import draw_signer, random_source
from signflow.synth.signs import GLOSSES, MAX_CLASSES

_VERSION = 1
"""Counts changes of how things are drawn: a folder holds videos of one version."""


@dataclass(frozen=True, kw_only=True)
class SynthSummary:
    """What a rendered set holds.

    Attributes:
        videos: video files.
        clips: annotated clips in them.
        seconds: length of all videos together.
        rendered: videos rendered now; the others were there from before.
        skipped: annotated clips whose URL names no video.
    """

    videos: int
    clips: int
    seconds: float
    rendered: int
    skipped: int = 0


def render_set(out: Path, config: SynthConfig, *, workers: int = 2) -> SynthSummary:
    """Render source videos of signers and annotate them in the format of MS-ASL.

    Writes `out/videos/<video id>.mp4`, and when all are there `out/MSASL_{train,val,test}.json`
    and `out/MSASL_classes.json`. Given again after an interruption, goes on where it stopped.

    Args:
        out: the folder.
        config: what to render; the result depends on nothing else.
        workers: processes.

    Raises:
        UserError: `out` holds videos that were rendered from another config.

    Example:
        >>> render_set(Path("signers"), SynthConfig(train=30, val=10, test=10))
    """
    _claim(out, {"config": asdict(config)})
    plans = {split: _plan_split(config, split) for split in SPLITS}
    summary = _render([plan for split in SPLITS for plan in plans[split]], out, workers=workers)
    for split in SPLITS:
        entries = [
            entry(plan, take, act, signer=int(take.signer), title=f"ASL vocabulary {number + 1}")
            for number, plan in enumerate(plans[split])
            for take in plan.takes
            for act in take.acts
        ]
        random_source("order", config.seed, split).shuffle(entries)
        write_json(out / f"MSASL_{split}.json", entries)
    write_json(out / "MSASL_classes.json", list(GLOSSES))
    return summary


def render_annotations(
    annotations: Path,
    out: Path,
    *,
    classes: int,
    workers: int = 2,
    seed: int = 0,
    left_handed_share: float = 0.1,
    limit: int | None = None,
) -> SynthSummary:
    """Render a stand-in for every video of MS-ASL annotations: the videos many of us never see.

    Each video has the frame rate and size of its first entry (odd sizes are rounded to even ones),
    and each clip's sign by the clip's signer where the annotation says. Signs of labels above 9
    are made up. Long gaps are the signer waiting. Writes `out/videos/<video id>.mp4`.

    Args:
        annotations: folder with `MSASL_{train,val,test}.json` (one of them is enough).
        out: the folder to write to.
        classes: entries with `label < classes` are rendered.
        workers: processes.
        seed: for the signers' looks and everything else that is drawn.
        left_handed_share: of the signers.
        limit: render the first so many videos only.

    Raises:
        UserError: the annotations cannot be read, or there are more classes than signs.
    """
    if not 1 <= classes <= MAX_CLASSES:
        raise UserError(f"classes {classes}: must be 1 to {MAX_CLASSES}")
    videos: MsaslVideos = plan_annotations(
        annotations, classes=classes, seed=seed, left_handed_share=left_handed_share
    )
    plans = videos.plans[:limit]
    _claim(out, {"seed": seed, "classes": classes, "left_handed_share": left_handed_share})
    summary = _render(plans, out, workers=workers)
    clips = sum(videos.clips[plan.name] for plan in plans)
    return SynthSummary(**{**asdict(summary), "clips": clips, "skipped": videos.skipped})


def _claim(out: Path, settings: dict[str, Any]) -> None:
    """Write down what the folder's videos are rendered from; refuse a folder of other ones."""
    note = out / "synth.json"
    wanted = {"version": _VERSION, **settings}
    if note.exists():
        found = read_json(note, what="settings of rendered signers")
        if found != wanted:
            raise UserError(
                f"{out}: holds videos rendered with other settings ({note.name});"
                " choose another folder, or delete this one"
            )
        return
    write_json(note, wanted)


def _render(plans: Sequence[VideoPlan], out: Path, *, workers: int) -> SynthSummary:
    folder = out / "videos"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [plan for plan in plans if not (folder / f"{plan.name}.mp4").exists()]
    with progress_bar() as progress:
        done = len(plans) - len(missing)
        task = progress.add_task("Rendering signers", total=len(plans), completed=done, note="")
        if workers <= 1 or len(missing) <= 1:
            for plan in missing:
                film(plan, folder / f"{plan.name}.mp4")
                progress.update(task, advance=1, note=plan.name)
        else:
            # The longest first, or one process would end alone with it.
            ordered = sorted(missing, key=_cost, reverse=True)
            with worker_pool(min(workers, len(missing))) as pool:
                jobs = {
                    pool.submit(film, plan, folder / f"{plan.name}.mp4"): plan for plan in ordered
                }
                for job in as_completed(jobs):
                    job.result()
                    progress.update(task, advance=1, note=jobs[job].name)
    return SynthSummary(
        videos=len(plans),
        clips=sum(len(take.acts) for plan in plans for take in plan.takes),
        seconds=sum(plan.frames / plan.fps for plan in plans),
        rendered=len(missing),
    )


def _cost(plan: VideoPlan) -> int:
    drawn = sum(act.last - act.first for take in plan.takes for act in take.acts)
    return (drawn + plan.period * len(plan.takes)) * plan.width * plan.height + plan.frames


def _plan_split(config: SynthConfig, split: Split) -> list[VideoPlan]:
    """Spread the labels evenly over a split's videos and these over its signers."""
    clips: int = getattr(config, split)
    rng = random_source("split", config.seed, split)
    labels = [number % len(GLOSSES) for number in range(clips)]
    rng.shuffle(labels)
    videos = -(-clips // config.clips_per_video)
    signers = max(1, round(videos * 0.75))
    first = {"train": 0, "val": 100_000, "test": 200_000}[split]
    return [
        _plan_video(
            config,
            key=f"{split}-{number}",
            labels=labels[number::videos],
            signer=str(first + number % signers),
        )
        for number in range(videos)
    ]


def _plan_video(config: SynthConfig, *, key: str, labels: Sequence[int], signer: str) -> VideoPlan:
    rng = random_source("video", config.seed, key)
    looks = draw_signer(signer, seed=config.seed, left_handed_share=config.left_handed_share)
    acts, at = [], _frames(rng.uniform(0.6, 1.6), config.fps)
    for label in labels:
        length = _frames(float(np.clip(rng.normal(2.15, 0.15), 1.7, 2.7)) / looks.tempo, config.fps)
        acts.append(Act(first=at, last=at + length, label=label, seed=int(rng.integers(2**31))))
        at += length + _frames(rng.uniform(0.5, 1.8), config.fps)
    framing = (
        0.5 + float(np.clip(rng.normal(0, 0.035), -0.09, 0.09)),
        0.43 + float(rng.uniform(-0.03, 0.03)),
        1.02 * float(rng.uniform(0.92, 1.1)),
    )
    take = Take(first=0, last=at, signer=signer, framing=framing, acts=tuple(acts))
    return VideoPlan(
        name=_made_up_id(f"{asdict(config)} {key}"),
        width=config.width,
        height=config.height,
        fps=float(config.fps),
        seed=int(rng.integers(2**31)),
        signer_seed=config.seed,
        left_handed_share=config.left_handed_share,
        takes=(take,),
    )


def _frames(seconds: float, fps: float) -> int:
    return max(1, round(float(seconds) * fps))


def _made_up_id(text: str) -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=9).digest()
    return base64.urlsafe_b64encode(digest).decode()[:11]
