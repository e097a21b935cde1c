"""Fit a preset and choose its threshold: certified at one risk, or lossless."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from probexit.calibration.certificate import Certificate
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.tuning.distil import Distillation
from probexit.exits.depth.tuning.losses import AnswerDiffers
from probexit.exits.depth.tuning.rollouts import Reference
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.calibrate import Demand, calibrate
from probexit.experiments.depth.cost import PassCost, measure, seconds_per_look
from probexit.experiments.depth.drafts import DRAFTS, DraftPreset, Fitting
from probexit.experiments.depth.fit import (
    Texts,
    drafting,
    examples,
    fit_head,
    fit_rule,
    lossy,
    per_text,
    write_texts,
)
from probexit.experiments.depth.presets import PRESETS, Preset
from probexit.experiments.depth.stop import calibrate_stop, shares
from probexit.experiments.recording.tasks.base import Item
from probexit.probes.artefacts.config import configured
from probexit.probes.artefacts.folder import replace_file
from probexit.probes.artefacts.strict_json import read_json, to_json

REMEDY = "remove it, or choose another --out"
SOURCES = {name: preset.source for name, preset in (PRESETS | DRAFTS).items()}


@dataclass(frozen=True)
class Sizes:
    """How many problems, and how sure.

    Attributes:
        fit: Problems to fit on.
        calibrate: Problems to certify on.
        test: Problems to measure on.
        alpha: Risk of another answer than the full model's.
        delta: Chance that the promise fails.
        training: How heads that need it are trained.
    """

    fit: int = 90
    calibrate: int = 120
    test: int = 40
    alpha: float = 0.05
    delta: float = 0.1
    training: Distillation = field(default_factory=Distillation)


@dataclass(frozen=True)
class Prepared:
    """A method ready to be measured.

    Attributes:
        source: Its paper.
        controller: Fitted, at its threshold; None where it cannot be fitted here.
        guarantee: What is promised of its text.
        note: How it differs from the paper, or why it could not be fitted.
        look: Seconds of one look at one exit.
    """

    source: str
    controller: DepthController | None
    guarantee: str
    note: str
    look: float = 0.0


@dataclass(frozen=True)
class About:
    """What ``about.json`` says of a method beside its controller; fields as of ``Prepared``."""

    source: str
    guarantee: str
    note: str
    look: float
    fitted: bool

    @classmethod
    def of(cls, made: Prepared) -> Self:
        """Describe a method."""
        fitted = made.controller is not None
        return cls(made.source, made.guarantee, made.note, made.look, fitted)

    def prepared(self, controller: DepthController | None) -> Prepared:
        """Return the method with its controller."""
        return Prepared(self.source, controller, self.guarantee, self.note, self.look)


class Workshop:
    """Fits and certifies methods on one bench, each once: what is made is kept in a folder.

    Args:
        bench: Model and task.
        layers: Candidates for exits.
        sizes: How many problems, and how sure.
        folder: Where controllers are kept; a second run takes them from there.
    """

    def __init__(
        self, bench: DepthBench, layers: tuple[int, ...], sizes: Sizes, folder: Path
    ) -> None:
        self.bench, self.layers, self.sizes, self.folder = bench, layers, sizes, folder
        self._heads: dict[str, tuple[Head, Examples]] = {}

    @property
    def test(self) -> list[Item]:
        """Problems that nothing was fitted or certified on."""
        return self.bench.items(self.sizes.fit + self.sizes.calibrate, self.sizes.test)

    @cached_property
    def cost(self) -> PassCost:
        """What layers and passes cost."""
        return measure(self.bench, self.bench.prompts(self.bench.items(0, 5)))

    def prepared(self, name: str) -> Prepared:
        """Return a method by name, fitted and certified.

        Raises:
            ValueError: if the folder holds it for other problems, levels or another model.
        """
        about = self.folder / name / "about.json"
        if about.is_file():
            return self._kept(about)
        try:
            made = self._drafted(DRAFTS[name]) if name in DRAFTS else self._made(PRESETS[name])
        except ValueError as error:  # a rule that cannot be fitted here is a result, too
            made = Prepared(SOURCES[name], None, "none", str(error))
        self._keep(about, made)
        return made

    def _made(self, preset: Preset) -> Prepared:
        head, found = self.head(preset)
        rule, others = fit_rule(preset.decider(), head, found)
        look = seconds_per_look(rule, others)
        if preset.mode.lossless:
            rule, plan = drafting(rule, others, self.cost)
            mode = preset.mode.with_drafts(plan.drafts)
            note = _noted(preset, f"exits {_list(rule.layers)}, up to {plan.drafts} drafts")
            return Prepared(preset.source, DepthController(rule, mode), "lossless", note, look)
        if preset.mode.whole_texts:
            path = per_text(self.bench.reasoner.model, rule, self.texts)
        else:
            rule, path = lossy(rule, others, self.cost)
        controller = DepthController(rule, preset.mode)
        answers = AnswerDiffers(lambda _, tokens: self.bench.answer(tokens))
        test = LearnThenTest(alpha=self.sizes.alpha, delta=self.sizes.delta)
        first, second, test = shares(controller, self.sizes.calibrate, test)
        reference = Reference(self.reference.prompts[first], self.reference.full[first])
        demand = Demand(answers, test)
        certified, certificate = calibrate(self.bench, controller, path, reference, demand)
        if not certificate.certified:  # shown at its strictest, so that its speed is seen
            certified = controller.with_threshold(path[0])
        note = _noted(preset, f"exits {_list(rule.layers)}")
        items = self.bench.items(self.sizes.fit, self.sizes.calibrate)[second]
        if items:
            certified, ending = calibrate_stop(self.bench, certified, items, test)
            note = f"{note}; {ending}"
        return Prepared(preset.source, certified, _promise(certificate), note, look)

    def _drafted(self, preset: DraftPreset) -> Prepared:
        model = self.bench.reasoner.model
        made, chosen = preset.made(Fitting(model, self.texts, self.cost, self._trained))
        note = f"{preset.differs}; {chosen}"
        return Prepared(preset.source, made, "lossless", note)

    @cached_property
    def texts(self) -> Texts:
        """What the full model wrote on the fitting problems."""
        return Texts(
            **self._written("texts", Texts, lambda: write_texts(self.bench, self.sizes.fit))
        )

    @cached_property
    def reference(self) -> Reference:
        """The calibration problems, written in full."""
        items = self.bench.items(self.sizes.fit, self.sizes.calibrate)
        return Reference(
            **self._written("reference", Reference, lambda: self.bench.reference(items))
        )

    def _written(self, name: str, kind: type[Any], make: Callable[[], Any]) -> dict[str, Any]:
        """Return what stands in a file of the folder, made first if it does not."""
        file = self.folder / f"{name}.json"
        if not file.is_file():
            whole = {"setting": self._setting(), name: asdict(make())}
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_file(file, to_json(whole).encode())
        kept = read_json(file, REMEDY)
        self._check(file, kept)
        return configured(kind, kept.get(name), f"{file}: {name}")

    def head(self, preset: Preset) -> tuple[Head, Examples]:
        """Train each kind of head once, and record tokens as it reads them."""
        return self._trained(preset.head())

    def _trained(self, head: Head) -> tuple[Head, Examples]:
        kind = type(head).__name__
        if kind not in self._heads:
            model = self.bench.reasoner.model
            fit_head(model, head, self.layers, self.texts, self.sizes.training)
            self._heads[kind] = (head, examples(model, head, self.layers, self.texts))
        return self._heads[kind]

    def _setting(self) -> dict[str, Any]:
        sizes = asdict(self.sizes)
        del sizes["test"]
        task = type(self.bench.task).__name__
        limit = self.bench.max_new_tokens
        model = self.bench.reasoner.name
        return {"model": model, "task": task, "limit": limit, "layers": list(self.layers)} | sizes

    def _keep(self, about: Path, made: Prepared) -> None:
        about.parent.mkdir(parents=True, exist_ok=True)
        if made.controller is not None:
            made.controller.save(about.parent)
        words = asdict(About.of(made)) | {"setting": self._setting()}
        replace_file(about, to_json(words).encode())

    def _check(self, file: Path, kept: dict[str, Any]) -> None:
        if kept.get("setting") != self._setting():
            raise ValueError(
                f"{file.parent} was made with {kept.get('setting')}, not {self._setting()}: "
                "choose another --out, or remove it"
            )

    def _kept(self, about: Path) -> Prepared:
        kept = read_json(about, REMEDY)
        self._check(about, kept)
        words = {k: kept.get(k) for k in ("source", "guarantee", "note", "look", "fitted")}
        about_it = About(**configured(About, words, str(about)))
        controller = DepthController.load(about.parent) if about_it.fitted else None
        return about_it.prepared(controller)


def _promise(certificate: Certificate) -> str:
    lost = f"{certificate.losses:g} of {certificate.n}"
    if certificate.certified:
        delta = certificate.delta or 0.0
        return f"risk <= {certificate.alpha:g}, confidence {1 - delta:g} ({lost} changed)"
    return f"none: {lost} changed at its strictest threshold"


def _noted(preset: Preset, chosen: str) -> str:
    return f"{preset.differs}; {chosen}" if preset.differs else chosen


def _list(layers: Sequence[int]) -> str:
    return ", ".join(str(layer) for layer in layers)
