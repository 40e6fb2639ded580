"""The page: its head, its tabs, its looks."""

from importlib.resources import files
from typing import Any

import gradio as gr

from signflow.app import api, fragments
from signflow.app.state import Shared, tell
from signflow.app.tab_live import live_tab
from signflow.app.tab_recognise import recognise_tab
from signflow.app.tab_record import record_tab
from signflow.app.tab_train import EVERY_SECONDS, train_tab
from signflow.errors import UserError

_SYSTEM_FONTS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
_FIXED_FONTS = ("ui-monospace", "Menlo", "Consolas", "monospace")


def build_page(shared: Shared) -> gr.Blocks:
    """Build the page; `looks` goes to its launch."""
    with gr.Blocks(
        title="signflow", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)
    ) as page:
        api.publish(shared)  # first, so that its names are not taken
        head = gr.HTML(_header(shared), elem_id="head")
        clock = gr.Timer(EVERY_SECONDS)  # inside the tabs it would be taken for one
        with gr.Tabs(selected=_first_tab(shared)) as tabs:
            recognise_tab(shared)
            live_tab(shared)
            record_tab(shared)
            train_tab(shared, head=head, header=_header, tabs=tabs, clock=clock)
        page.load(
            lambda: (_header(shared), gr.Tabs(selected=_first_tab(shared))),
            None,
            [head, tabs],
            api_visibility="private",
            show_progress="hidden",
        )
    return page


def looks() -> dict[str, Any]:
    """Theme, style sheet and script, all from this package: nothing is fetched from elsewhere."""
    theme = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        font=_SYSTEM_FONTS,
        font_mono=_FIXED_FONTS,
    ).set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_shadow="none",
        body_background_fill="white",
        body_background_fill_dark="#0b1214",
        background_fill_primary_dark="#0f191c",
        background_fill_secondary_dark="#16242a",
        block_background_fill_dark="#0f191c",
        border_color_primary_dark="#263840",
        input_background_fill_dark="#16242a",
    )
    static = files("signflow.app") / "static"
    script = (static / "page.js").read_text(encoding="utf-8")
    return {
        "theme": theme,
        "css": (static / "page.css").read_text(encoding="utf-8"),
        "head": f"<script>{script}</script>",
    }


def _header(shared: Shared) -> str:
    try:
        return fragments.header(shared.recognisers.current())
    except UserError as error:
        tell(error)
        return fragments.header(None)


def _first_tab(shared: Shared) -> str:
    """What somebody who opens the page most likely wants to see."""
    if shared.trainings.latest().standing == "running":
        return "train"
    try:
        return "record" if shared.recognisers.current() is None else "recognise"
    except UserError:
        return "record"
