"""The tab Train: from recorded clips to a recogniser."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from signflow.app import fragments
from signflow.app.plan import missing_clips
from signflow.app.state import Shared, tell
from signflow.app.trainings import Training
from signflow.errors import UserError

EVERY_SECONDS = 1.5


def train_tab(
    shared: Shared,
    *,
    head: gr.HTML,
    header: Callable[[Shared], str],
    tabs: gr.Tabs,
    clock: gr.Timer,
) -> None:
    """Add the tab to the page.

    Args:
        shared: the page's.
        head: names the recogniser in use.
        header: draws it.
        tabs: of the page.
        clock: says when to look anew.
    """
    with gr.Tab("Train", id="train") as tab:
        gr.HTML('<p class="sf-lead">Learns all recorded signs anew and puts the result to use.</p>')
        with gr.Row(equal_height=False):
            with gr.Column(min_width=300):
                counts = gr.HTML(elem_id="counts")
                seen = gr.State(None)
            with gr.Column(min_width=300):
                status = gr.HTML(elem_id="training")
                with gr.Row():
                    begin = gr.Button("Train", variant="primary", elem_id="begin")
                    go_on = gr.Button("Go on", variant="primary", elem_id="go-on", visible=False)
                    cancel = gr.Button("Cancel", elem_id="cancel", visible=False)
                    try_it = gr.Button("Try it", variant="primary", elem_id="try-it", visible=False)
    outputs = [counts, status, begin, go_on, cancel, try_it, head, seen]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

    def refresh(seen: Any) -> list[Any]:
        """Draw anew what has changed; nothing otherwise, so that nothing flickers."""
        glosses = shared.recordings.glosses()
        training = shared.trainings.latest()
        facts = [{gloss: len(clips) for gloss, clips in glosses.items()}, str(training)]
        if facts == seen:
            return [gr.skip()] * len(outputs)
        running = training.standing == "running"
        ready = not missing_clips(glosses)
        done = training.standing == "done"
        return [
            fragments.counts(glosses),
            fragments.progress(training),
            gr.Button(
                "Train anew" if training.number else "Train",
                visible=not running,
                variant="primary" if ready and not (training.can_go_on or done) else "secondary",
            ),
            gr.Button(visible=training.can_go_on),
            gr.Button(visible=running),
            gr.Button(visible=done),
            header(shared),
            facts,
        ]

    def doing(action: Callable[[], Training]) -> Callable[[], list[Any]]:
        def act() -> list[Any]:
            try:
                action()
            except UserError as error:
                tell(error)
            return refresh(None)

        return act

    begin.click(doing(shared.trainings.start), None, outputs, **quiet)
    go_on.click(doing(shared.trainings.go_on), None, outputs, **quiet)
    cancel.click(doing(shared.trainings.cancel), None, outputs, **quiet)
    try_it.click(lambda: gr.Tabs(selected="recognise"), None, tabs, **quiet)
    gr.on([tab.select, clock.tick], refresh, seen, outputs, **quiet)
