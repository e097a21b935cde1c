import base64
from dataclasses import replace

from probexit.experiments.evaluation.compare import compare
from probexit.experiments.evaluation.layers import layer_map
from probexit.experiments.evaluation.report.figures import Picture, pictures
from probexit.experiments.fitting.splits import Splits
from probexit.probes.mean_difference import MeanDifference


def test_every_figure_has_a_title_a_caption_and_an_image(context, compared, recorded_layers):
    mapped = layer_map(context.splits, recorded_layers, MeanDifference)
    found = pictures(context, compared, mapped)
    assert [picture.name for picture in found] == [
        "accuracy_tokens",
        "frontier",
        "risk",
        "risk_levels",
        "reliability",
        "difficulty",
        "layers",
    ]
    for picture in found:
        assert picture.title
        assert picture.caption.endswith(".")
        assert picture.png.startswith(b"\x89PNG")


def test_saved_and_embedded_are_the_same(tmp_path):
    picture = Picture("one", "One", "A caption.", b"\x89PNG123", 400)
    assert picture.save(tmp_path / "new").read_bytes() == picture.png
    assert base64.b64decode(picture.data_uri.split(",")[1]) == picture.png


def test_no_reliability_without_cues(context):
    splits = context.splits
    silent = [trace for trace in splits.test if not len(trace.cues)]
    bare = replace(context, splits=Splits(splits.fit, splits.calibrate, silent))
    names = [picture.name for picture in pictures(bare, compare(bare))]
    assert names == ["accuracy_tokens", "frontier", "risk", "risk_levels"]
