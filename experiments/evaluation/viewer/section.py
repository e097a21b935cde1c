"""The viewer as a part of a page: style, script and data, nothing from a network."""

from pathlib import Path
from typing import Any

from markupsafe import Markup

from probexit.experiments.evaluation.viewer.data import packed

HERE = Path(__file__).parent


def section(data: dict[str, Any]) -> Markup:
    """Return what stands in a page, with the data of ``viewed``."""
    style, script = (_read(f"viewer.{kind}") for kind in ("css", "js"))
    return Markup(
        f"<style>{style}</style>"
        '<div id="viewer" class="viewer">The traces are being unpacked.</div>'
        f'<script type="text/plain" id="traces">{packed(data)}</script>'
        f"<script>{script}</script>"
    )


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
