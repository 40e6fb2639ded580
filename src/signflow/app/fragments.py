"""Pieces of the page as HTML. What people typed is escaped here and nowhere else."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
from numpy.typing import NDArray

from signflow.app.plan import LEAST_CLIPS, missing_clips
from signflow.app.recognisers import Current, Recognised
from signflow.app.recordings import Recording
from signflow.app.trainings import Training
from signflow.evaluation import wilson_interval
from signflow.recognition import Prediction

_HAND = (
    '<path d="M18 36V15a3.5 3.5 0 0 1 7 0v13M25 27V9.500a3.500 3.500 0 0 1 7 0V27M32'
    " 27v-14a3.500 3.500 0 0 1 7 0v24c0 8-6 14-13 14-6 0-9.500-3-12-8L9.500 34.500a3.600"
    ' 3.600 0 0 1 6.300-3.400L18 35"/>'
)
_ICONS = {
    "hand": _HAND,
    "camera": '<rect x="6" y="16" width="32" height="26" rx="6"/><path d="m38 26 14-7v20l-14-7"/>',
    "bars": '<path d="M10 46V30M22 46V14M34 46V24M46 46V36"/>',
    "bin": '<path d="M10 16h36M22 16v-6h12v6M15 16l2.500 32h21L41 16M24 24v16M32 24v16"/>',
}


def icon(name: str) -> str:
    """A line drawing, 56 x 56, in the colour of the text."""
    return (
        '<svg viewBox="0 0 56 56" fill="none" stroke="currentColor" stroke-width="3"'
        f' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{_ICONS[name]}</svg>'
    )


def header(current: Current | None) -> str:
    """The page's head, with the recogniser in use."""
    if current is None:
        chip = '<span class="sf-chip"><i></i>No recogniser yet</span>'
    else:
        signs = len(current.recognizer.classes)
        chip = (
            f'<span class="sf-chip sf-on"><i></i>{escape(current.name)} &middot; {signs} signs'
            "</span>"
        )
    logo = (
        '<svg viewBox="0 0 56 56" aria-hidden="true"><rect width="56" height="56" rx="15"'
        ' fill="var(--primary-600)"/><g transform="translate(7.500 6) scale(.75)" fill="none"'
        ' stroke="#fff" stroke-width="3.600" stroke-linecap="round" stroke-linejoin="round">'
        f"{_HAND}</g></svg>"
    )
    return (
        f'<div class="sf-head">{logo}<div><h1>signflow</h1><p>Show it your signs, and it learns to'
        f" recognise them. Clips stay on the computer that runs this page.</p></div>{chip}</div>"
    )


def blank(drawing: str, title: str, text: str, extra: str = "") -> str:
    """What stands where nothing is yet."""
    return (
        f'<div class="sf-card sf-blank"><div class="sf-empty" style="position:static;padding:0">'
        f"{icon(drawing)}</div><h3>{escape(title)}</h3>"
        f'<p class="sf-quiet">{escape(text)}</p>{extra}</div>'
    )


def stage(text: str, *, seconds: Sequence[float], chosen: float) -> str:
    """The stage of a camera; `page.js` brings it to life."""
    options = "".join(
        f"<option value={second:g}{' selected' if second == chosen else ''}>{second:g} s</option>"
        for second in seconds
    )
    return (
        '<div class="sf-camera" data-state="idle"><div class="sf-stage">'
        '<video playsinline muted></video><div class="sf-empty">'
        f'{icon("camera")}<p>{escape(text)}</p></div><div class="sf-count" aria-live="assertive">'
        '</div><div class="sf-rec"><i></i><span class="sf-clock"></span></div>'
        '<div class="sf-bar"><i></i></div></div><div class="sf-controls">'
        '<button type="button" class="sf-button sf-primary" data-do="record"><i></i>'
        '<span>Record</span></button><button type="button" class="sf-button" data-do="file">'
        'Choose a video</button><input type="file" accept="video/*" hidden>'
        f'<label>Length <select aria-label="Length of a clip">{options}</select></label></div>'
        '<p class="sf-note" role="status"></p></div>'
    )


def live_stage() -> str:
    """The stage of live recognition; `page.js` brings it to life."""
    return (
        '<div class="sf-camera sf-live" data-state="idle"><div><div class="sf-stage">'
        f'<video playsinline muted></video><div class="sf-empty">{icon("camera")}'
        '<p>The camera goes on with Start.</p></div></div><div class="sf-controls">'
        '<button type="button" class="sf-button sf-primary" data-do="live"><i></i>'
        '<span>Start</span></button></div><p class="sf-note" role="status"></p></div>'
        '<div class="sf-card"><p class="sf-quiet" data-figure="state">The last 20 seconds</p>'
        '<div class="sf-now" aria-live="polite"></div><canvas class="sf-timeline" role="img"'
        ' aria-label="Recognised signs, and how much moves, over the last 20 seconds"></canvas>'
        '<div class="sf-figures sf-quiet"><span data-figure="rate"></span>'
        '<span data-figure="trip"></span><span data-figure="late"></span></div>'
        '<ul class="sf-log"></ul></div></div>'
    )


def answer(recognised: Recognised) -> str:
    """The ranked signs as bars, and below them what the net saw."""
    return f"{_ranking(recognised)}{_strip(recognised)}"


def _ranking(recognised: Recognised) -> str:
    first = recognised.guesses[0]
    bars = "".join(bar(guess, first=guess is first) for guess in recognised.guesses)
    if recognised.sure:
        head, said, note = "This looks like", first.gloss, ""
    else:
        head, said = "The answer is", "Not sure"
        note = (
            f'<p class="sf-quiet">The best guess, {escape(first.gloss)}, has a score of'
            f" {first.score:.0%}; from {recognised.threshold:.0%} on it would be said.</p>"
        )
    return (
        f'<div class="sf-card{"" if recognised.sure else " sf-unsure"}"><p class="sf-quiet">{head}'
        f'</p><div class="sf-answer" data-testid="answer">{escape(said)}</div>{note}'
        f'<div style="margin-top:12px">{bars}</div></div>'
    )


def bar(guess: Prediction, *, first: bool) -> str:
    """A guess with its score."""
    return (
        f'<div class="sf-guess{" sf-first" if first else ""}"><span>{escape(guess.gloss)}</span>'
        f'<div><i style="width:{guess.score:.1%}"></i></div><span>{guess.score:.0%}</span></div>'
    )


def _strip(recognised: Recognised) -> str:
    strip = recognised.strip
    figures = []
    for index, frame in enumerate(strip.frames):
        flow = ""
        if index < len(strip.flow):
            alt = f"motion after frame {strip.numbers[index]}"
            flow = f'<img src="{_jpeg(strip.flow[index])}" alt="{alt}">'
        alt = f"frame {strip.numbers[index]}"
        figures.append(f'<figure><img src="{_jpeg(frame)}" alt="{alt}">{flow}</figure>')
    return (
        '<div class="sf-card" style="margin-top:12px"><h3>What the net was given</h3>'
        '<p class="sf-quiet">Above the frames, below them the motion to the next one: the colour'
        f" says where to, its strength how fast.</p><div class='sf-strip'>{''.join(figures)}</div>"
        "</div>"
    )


def _jpeg(picture: NDArray[np.uint8]) -> str:
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


def shelf(glosses: dict[str, list[Recording]], chosen: str | None, deleted: str | None) -> str:
    """The recorded signs, the clips of the chosen one, and a way back for a deleted clip."""
    undo = ""
    if deleted:
        undo = (
            f'<div class="sf-undo"><span>{escape(deleted)} is deleted.</span><button type="button"'
            f' class="sf-button" data-do="undo" data-clip="{escape(deleted)}">Undo</button></div>'
        )
    if not glosses:
        text = f"Record {LEAST_CLIPS} clips or more of each sign; several people make it better."
        return blank("hand", "No signs yet", text) + undo
    chosen = chosen if chosen in glosses else next(iter(glosses))
    chips = "".join(_sign(gloss, len(clips), gloss == chosen) for gloss, clips in glosses.items())
    clips = "".join(_clip(recording) for recording in glosses[chosen])
    return (
        f'<div class="sf-card"><h3>Your signs</h3><p class="sf-quiet">{escape(next_step(glosses))}'
        f'</p><div class="sf-signs">{chips}</div><div class="sf-clips">{clips}</div></div>{undo}'
    )


def next_step(glosses: dict[str, list[Recording]]) -> str:
    """What to do next, in a sentence."""
    return missing_clips(glosses) or "Enough to train: open the tab Train, or record more."


def _sign(gloss: str, count: int, chosen: bool) -> str:
    return (
        f'<button type="button" class="sf-sign{" sf-chosen" if chosen else ""}" data-do="choose"'
        f' data-clip="{escape(gloss)}"><b>{escape(gloss)}</b><small>{count}</small></button>'
    )


def _clip(recording: Recording) -> str:
    name, identity = escape(recording.path.stem), escape(recording.clip_id)
    return (
        f'<div class="sf-clip"><video data-film src="{escape(address(recording.path))}#t=0.1"'
        f' preload="metadata" muted loop playsinline aria-label="{identity}"></video><div>'
        f'<span title="{name}">{name}</span><button type="button" data-do="remove"'
        f' data-clip="{identity}" title="Delete" aria-label="Delete {identity}">{icon("bin")}'
        "</button></div></div>"
    )


def address(path: Path) -> str:
    """Where Gradio serves a file, relative to the page."""
    return f"gradio_api/file={quote(str(path.absolute()))}"


def counts(glosses: dict[str, list[Recording]]) -> str:
    """How many clips each sign has, before a training."""
    if not glosses:
        text = "Record some signs first: open the tab Record."
        return blank("bars", "Nothing to learn from yet", text)
    rows = "".join(
        f'<div class="sf-row"><span>{escape(gloss)}</span><div class="sf-progress"><i style="width:'
        f'{min(1, len(clips) / LEAST_CLIPS):.0%}"></i></div><span>{_clips(len(clips))}</span></div>'
        for gloss, clips in glosses.items()
    )
    signers = sorted({r.signer or "?" for clips in glosses.values() for r in clips})
    text = missing_clips(glosses) or "Enough to train. More clips, and more people, make it better."
    return (
        f'<div class="sf-card"><h3>What there is to learn from</h3><p class="sf-quiet">'
        f'{escape(text)}</p><div class="sf-rows">{rows}</div><p class="sf-quiet"'
        f' style="margin-top:12px">Recorded by {escape(", ".join(signers))}.</p></div>'
    )


def progress(training: Training) -> str:
    """How the last training stands."""
    state = training.state
    if training.standing == "none":
        text = "A training takes some minutes. It goes on in the background, and can be cancelled."
        return blank("hand", "Not trained yet", text)
    title = f"Training {training.number}"
    if training.standing == "running":
        return _running(title, training)
    if training.standing == "done":
        return _done(title, training)
    at = f"after epoch {state.epoch} of {state.epochs}" if state.epoch else "before the first epoch"
    said = {
        "cancelled": f"It was cancelled {at}. Go on, or train anew with all clips there are now.",
        "interrupted": f"It was interrupted {at}. Nothing is lost: go on where it stopped.",
        "failed": "It stopped with an error. Put it right and go on, or train anew.",
    }[training.standing]
    why = f'<p class="sf-bad">{escape(state.message)}</p>' if state.message else ""
    return (
        f'<div class="sf-card" data-standing="{training.standing}"><h3>{title}</h3><p>{said}</p>'
        f"{why}</div>"
    )


def _running(title: str, training: Training) -> str:
    state = training.state
    if state.phase == "learning":
        share = state.epoch / max(1, state.epochs)
        said = f"Learning: epoch {state.epoch} of {state.epochs} is done{_left(training)}."
        if state.top1 is not None:
            right = round(state.top1 * state.val_clips)
            said += (
                f" So far it recognises {right} of {state.val_clips} clips that it does not see."
            )
    else:
        share = 0.0
        clips = _clips(state.train_clips + state.val_clips)
        said = f"Preparing {clips}: frames, and the motion between them."
    return (
        f'<div class="sf-card" data-standing="running"><h3>{title}</h3><div class="sf-progress"'
        f' role="progressbar" aria-valuenow="{share:.0%}"><i style="width:{share:.0%}"></i></div>'
        f'<p>{said}</p><p class="sf-quiet">You may close this page; the training goes on as long as'
        " signflow app does.</p></div>"
    )


def _left(training: Training) -> str:
    state = training.state
    if not (state.epoch and state.seconds):
        return ""
    seconds = state.seconds * (state.epochs - state.epoch)
    return (
        f", about {seconds:.0f} s left" if seconds < 90 else f", about {seconds / 60:.0f} min left"
    )


def _done(title: str, training: Training) -> str:
    state = training.state
    return (
        f'<div class="sf-card" data-standing="done"><h3>{title} is done and in use</h3>'
        f'<p class="sf-figure">{state.top1 or 0:.0%}</p><p>{escape(meaning(training))}</p></div>'
    )


def meaning(training: Training) -> str:
    """What the accuracy of a finished training says, and what it does not."""
    state = training.state
    right = round((state.top1 or 0) * state.val_clips)
    interval = wilson_interval(right, state.val_clips)
    said = (
        f"It recognised {right} of {state.val_clips} clips that it did not learn from (95 %"
        f" interval {interval.low:.0%} to {interval.high:.0%})."
    )
    if state.apart:
        said += " They are of people whom it did not learn from."
    else:
        said += (
            " They are of the same people as those that it learnt from, so this says little about"
            f" anybody else: signers could not be kept apart ({state.mixed_because})."
        )
    return (
        f"{said} The best epoch was chosen by these very clips, which flatters the figure a little."
    )


def _clips(count: int) -> str:
    return f"{count} clip" if count == 1 else f"{count} clips"
