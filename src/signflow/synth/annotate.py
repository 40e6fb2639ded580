"""Annotations in the original format of MS-ASL, as imprecise as people's."""

from typing import Any

import numpy as np

from signflow.annotations.clip import Box
from signflow.synth.plan import Act, Take, VideoPlan, box_of_framing
from signflow.synth.signer import random_source
from signflow.synth.signs import GLOSSES


def entry(plan: VideoPlan, take: Take, act: Act, *, signer: int, title: str) -> dict[str, Any]:
    """Return one entry of `MSASL_<split>.json` for a sign in a rendered video.

    People mark a sign some tenths of a second beside its true limits and draw boxes with a
    margin; so does this. Start and end lie inside the video, the box inside the picture.

    Args:
        plan: the video.
        take: the stretch of it.
        act: the sign.
        signer: the signer's number.
        title: the video's title.
    """
    rng = random_source("annotation", plan.seed, act.seed)
    first, last = _loose_span(act, plan, rng)
    gloss = GLOSSES[act.label]
    spoken = gloss.capitalize() if rng.random() < 0.3 else gloss
    return {
        "org_text": spoken,
        "clean_text": gloss,
        "start_time": round(first / plan.fps, 3),
        "signer_id": signer,
        "signer": signer,
        "start": first,
        "end": last,
        "file": title,
        "label": act.label,
        "height": float(plan.height),
        "fps": plan.fps,
        "end_time": round(last / plan.fps, 3),
        "url": f"https://www.youtube.com/watch?v={plan.name}",
        "text": gloss,
        "box": list(_loose_box(take, plan, rng)),
        "width": float(plan.width),
    }


def _loose_span(act: Act, plan: VideoPlan, rng: np.random.Generator) -> tuple[int, int]:
    """Return first and last frame as someone would mark them."""
    start = act.first + float(np.clip(rng.normal(0.02, 0.1), -0.25, 0.25)) * plan.fps
    end = act.last + float(np.clip(rng.normal(0.0, 0.12), -0.3, 0.3)) * plan.fps
    first = int(np.clip(round(start), 0, plan.frames - 2))
    last = int(np.clip(round(end), first + 2, plan.frames))
    return first, last


def _loose_box(take: Take, plan: VideoPlan, rng: np.random.Generator) -> Box:
    y0, x0, y1, x1 = box_of_framing(take.framing, aspect=plan.width / plan.height)
    tall, wide = y1 - y0, x1 - x0
    up, left, down, right = rng.uniform(-0.02, 0.07, 4)
    return (
        float(max(0.0, y0 - up * tall)),
        float(max(0.0, x0 - left * wide)),
        float(min(1.0, y1 + down * tall)),
        float(min(1.0, x1 + right * wide)),
    )
