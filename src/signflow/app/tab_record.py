"""The tab Record: clips of one's own signs."""

from typing import Any

import gradio as gr

from signflow.app import fragments
from signflow.app.state import Shared, tell
from signflow.app.tab_recognise import camera
from signflow.errors import UserError

_NEEDS = [
    ("gloss", "Type first which sign you will show."),
    ("signer", "Type first who signs."),
]


def record_tab(shared: Shared) -> None:
    """Add the tab to the page."""
    with gr.Tab("Record", id="record") as tab:
        gr.HTML(
            '<p class="sf-lead">Type a sign, press Record, and make it after the countdown. Hands'
            " and face should be in the picture.</p>"
        )
        chosen, deleted = gr.State(None), gr.State(None)
        with gr.Row(equal_height=False):
            with gr.Column(min_width=300):
                with gr.Row():
                    gloss = gr.Textbox(
                        label="Sign", placeholder="hello", elem_id="gloss", max_length=200
                    )
                    signer = gr.Textbox(
                        label="Who signs", placeholder="Ana", elem_id="signer", max_length=200
                    )
                clip = camera(
                    shared, text="The camera goes on with Record.", stays_live=True, needs=_NEEDS
                )
            with gr.Column(min_width=300):
                shelf = gr.HTML(
                    _shelf(shared, None, None),
                    elem_id="shelf",
                    js_on_load="signflow.buttons(element, {trigger}); 'choose', 'remove', 'undo'",
                )

    def record(gloss: str, signer: str, now: str | None, event: gr.EventData) -> tuple[str, ...]:
        try:
            video, name = shared.uploaded(event._data)
            kept = shared.recordings.add(video, gloss=gloss, signer=signer, name=name)
        except UserError as error:
            tell(error)
            return _shelf(shared, now, None), now or "", ""
        return _shelf(shared, kept.gloss, None), kept.gloss, ""

    def choose(event: gr.EventData) -> tuple[str, str]:
        gloss = _clip(event)
        return _shelf(shared, gloss, None), gloss

    def remove(now: str | None, event: gr.EventData) -> tuple[str, str]:
        clip_id = _clip(event)
        try:
            shared.recordings.delete(clip_id)
        except UserError as error:
            tell(error)
            clip_id = ""
        return _shelf(shared, now or clip_id.partition("/")[0], clip_id), clip_id

    def undo(now: str | None, event: gr.EventData) -> tuple[str, str]:
        clip_id = _clip(event)
        try:
            now = shared.recordings.restore(clip_id).gloss
        except UserError as error:
            tell(error)
        return _shelf(shared, now, None), ""

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    clip.clip(record, [gloss, signer, chosen], [shelf, chosen, deleted], **quiet)
    shelf.choose(choose, None, [shelf, chosen], **quiet)
    shelf.remove(remove, chosen, [shelf, deleted], **quiet)
    shelf.undo(undo, chosen, [shelf, deleted], **quiet)
    tab.select(lambda now, gone: _shelf(shared, now, gone), [chosen, deleted], shelf, **quiet)


def _shelf(shared: Shared, chosen: str | None, deleted: str | None) -> str:
    return fragments.shelf(shared.recordings.glosses(), chosen or None, deleted or None)


def _clip(event: gr.EventData) -> str:
    value = event._data.get("clip") if isinstance(event._data, dict) else None
    return value if isinstance(value, str) else ""
