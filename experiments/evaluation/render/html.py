"""The comparison as an HTML table, for a notebook and for the report."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from probexit.experiments.evaluation.render import wording
from probexit.experiments.evaluation.results import Comparison

# Everything a model or a task wrote may stand in a label or a note: escape all of it.
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)


def as_html(comparison: Comparison) -> str:
    """Return a ``<table>`` with its notes; it brings its own style."""
    return TEMPLATES.get_template("table.jinja").render(comparison=comparison, words=wording)
