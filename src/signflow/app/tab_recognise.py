"""The tab Recognise: a clip in, ranked signs out."""

import gradio as gr

from signflow.app import fragments
from signflow.app.state import Shared, tell
from signflow.errors import UserError

TOP = 5


def recognise_tab(shared: Shared) -> None:
    """Add the tab to the page."""
    with gr.Tab("Recognise", id="recognise"):
        gr.HTML('<p class="sf-lead">Show one sign to the camera, or choose a video of one.</p>')
        with gr.Row(equal_height=False):
            with gr.Column(min_width=300):
                clip = camera(
                    shared, text="Record a sign, or drop a video here.", stays_live=False, needs=[]
                )
            with gr.Column(min_width=300):
                answer = gr.HTML(_empty(shared), elem_id="answer")

    def recognise(event: gr.EventData) -> str:
        try:
            video, name = shared.uploaded(event._data)
            return fragments.answer(shared.recognisers.recognise(video, top=TOP, name=name))
        except UserError as error:
            tell(error)
            return fragments.blank("hand", "No answer", str(error))

    clip.clip(recognise, None, answer, api_visibility="private")


def camera(shared: Shared, *, text: str, stays_live: bool, needs: list[tuple[str, str]]) -> gr.HTML:
    """A camera that also takes files; its event `clip` carries the upload.

    Args:
        shared: the page's.
        text: what stands there before the camera is on.
        stays_live: whether the next clip may follow at once; otherwise the last one is shown.
        needs: (id of a text field, what to say while it is empty): asked before recording.
    """
    return gr.HTML(
        html_template=fragments.stage(text, seconds=(1.5, 2, 2.5, 3, 4, 6), chosen=2.5),
        js_on_load="signflow.camera(element, {trigger, upload, props}); 'clip'",
        stays_live=stays_live,
        needs=needs,
        most_bytes=shared.config.limits.upload_bytes,
        count_milliseconds=shared.config.count_milliseconds,
    )


def _empty(shared: Shared) -> str:
    text = "What it takes the sign for, and how sure it is, will stand here."
    return fragments.blank("bars", "Nothing shown yet", text)
