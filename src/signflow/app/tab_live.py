"""The tab Live: signs are recognised while they are made."""

from typing import Any

import gradio as gr

from signflow.app import fragments
from signflow.app.live import LiveStreams
from signflow.app.state import Shared


def live_tab(shared: Shared) -> None:
    """Add the tab to the page."""
    streams = LiveStreams(shared.recognisers)

    def look(asked: Any) -> dict[str, Any]:
        return streams.look(asked)

    with gr.Tab("Live", id="live"):
        gr.HTML(
            '<p class="sf-lead">Sign to the camera, with a short rest between two signs: each is'
            " named when it has ended, at first in grey: provisionally, until the rest is one.</p>"
        )
        gr.HTML(
            html_template=fragments.live_stage(),
            js_on_load="signflow.live(element, {server})",
            server_functions=[look],
            elem_id="live",
        )
