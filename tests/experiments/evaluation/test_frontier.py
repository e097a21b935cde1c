import csv
import io
import json

from probexit.experiments.evaluation.frontier import as_csv, as_json, kind_of, places


def test_every_point_and_every_threshold_is_a_row(compared):
    found = places(compared)
    thresholds = sum(len(curve.thresholds) for curve in compared.curves.values())
    assert len(found) == len(compared.rows) + thresholds
    assert len(list(csv.DictReader(io.StringIO(as_csv(found))))) == len(found)
    assert len(json.loads(as_json(found))) == len(found)


def test_a_curve_passes_through_its_certified_point(compared):
    point = next(p for p in places(compared) if p.method == "probe" and p.label == "certified 5 %")
    (same,) = [
        p
        for p in places(compared)
        if (p.title, p.kind, p.threshold) == (point.title, "curve", point.threshold)
    ]
    assert same.accuracy.estimate == point.accuracy.estimate
    assert same.total.estimate == point.total.estimate
    assert same.thinking.low <= same.thinking.estimate <= same.thinking.high
    assert same.family == "hidden states"


def test_kinds(compared):
    kinds = {(row.method, row.label): kind_of(row) for row in compared.rows}
    assert kinds["full_run", ""] == kinds["no_thinking", ""] == "reference"
    assert kinds["oracle", "earliest right cue"] == "bound"
    assert kinds["trial_confidence", "published 0.95"] == "published"
    assert kinds["trial_confidence", "certified 5 %"] == "certified"


def test_columns_of_the_csv(compared):
    heads = as_csv(places(compared)).splitlines()[0].split(",")
    assert heads[:6] == ["method", "title", "family", "kind", "label", "threshold"]
    assert {"accuracy", "accuracy_low", "total", "total_high", "thinking", "risk"} <= set(heads)
