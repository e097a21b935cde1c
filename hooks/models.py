"""Load a reasoning model with everything the toolkit needs to know about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from probexit.hooks.continuation import continuation_ids
from probexit.hooks.end_ids import end_ids
from probexit.hooks.loading import Loading
from probexit.hooks.think_tags import ThinkTags, think_tags

SHIPPED = "shipped"
IN_PACKAGE = {  # by name, the folder beside `experiments/reasoner`
    SHIPPED: "model",
    "shipped-deep": "deep",  # twelve layers, made for exits in depth
    "shipped-small": "small",  # two layers, the cheap one of a pair with the deep one
    "shipped-hesitant": "hesitant",  # its second thoughts are redundant, to be suppressed
}
DEFAULT_CLOSING = "\n\nThe answer is"


@dataclass(frozen=True)
class Reasoner:
    """A model, its tokenizer, its thinking tags and the text that starts a forced answer.

    Attributes:
        model: A causal LM in evaluation mode.
        tokenizer: Its tokenizer, with a chat template.
        tags: Its thinking tags.
        closing: What follows the closing tag when an answer is forced.
        name: Folder or hub id.
        answer_tokens: Longest forced answer.
        template_args: Keyword arguments of the chat template, such as ``enable_thinking``.
        revision: Commit of a hub model it was loaded at, or "".
        loading: How its weights were loaded.
    """

    model: Any
    tokenizer: Any
    tags: ThinkTags
    closing: str
    name: str
    answer_tokens: int = 32
    template_args: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""
    loading: Loading = field(default_factory=Loading)

    def prompt(self, question: str) -> list[int]:
        """Return the prompt's tokens, by the model's own chat template."""
        messages = [{"role": "user", "content": question}]
        ids = self.tokenizer.apply_chat_template(
            messages,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=False,
            **self.template_args,
        )
        return [int(i) for i in ids]

    def closing_ids(self) -> list[int]:
        """Return the tokens of a forced exit."""
        return continuation_ids(self.tokenizer, self.tags.close + self.closing)

    def ask(self, question: str, max_new_tokens: int = 640, **settings: Any) -> str:
        """Let the model answer a question, thinking included; greedy unless ``settings`` say else.

        Args:
            question: What the user asks, without any chat formatting.
            max_new_tokens: Limit of the text.
            settings: Other keyword arguments of ``model.generate``.
        """
        ids = torch.tensor([self.prompt(question)], device=self.model.device)
        out = self.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            **{"max_new_tokens": max_new_tokens, "do_sample": False, **settings},
        )
        text: str = self.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=False)
        return text

    def after_thinking(self, ids: Sequence[int]) -> str:
        """Return the text written after the thinking; "" if it never ended."""
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=False)
        _, found, rest = text.partition(self.tags.close)
        return self.without_special(rest) if found else ""

    def without_special(self, text: str) -> str:
        """Take the special tokens out of a text."""
        for token in self.tokenizer.all_special_tokens:
            text = text.replace(token, "")
        return text

    @cached_property
    def eos(self) -> set[int]:
        """Tokens that end a sequence."""
        return end_ids(self.model, self.tokenizer)


@dataclass(frozen=True)
class Source:
    """What to load, and what to believe instead of the tokenizer.

    Attributes:
        name: One of ``IN_PACKAGE``, a local folder or a hub id.
        revision: Commit of a hub model.
        closing: Text after the closing tag of a forced exit; None = what the tokenizer's
            ``probexit_closing`` entry says, or ``DEFAULT_CLOSING``.
        tags: Thinking tags; None = what the tokenizer says.
        answer_tokens: Longest forced answer.
        template_args: Keyword arguments of the chat template.
        loading: How the weights are loaded.
    """

    name: str = SHIPPED
    revision: str = ""
    closing: str | None = None
    tags: ThinkTags | None = None
    answer_tokens: int = 32
    template_args: Mapping[str, Any] = field(default_factory=dict)
    loading: Loading = field(default_factory=Loading)


def load(source: Source) -> Reasoner:
    """Load a reasoning model.

    Raises:
        ValueError: if there is no such model, or it has no chat template or thinking tags.
    """
    tokenizer = load_tokenizer(source)
    if not getattr(tokenizer, "chat_template", None):
        raise ValueError(
            f"the tokenizer of {source.name!r} has no chat template: "
            "add a chat_template.jinja to its folder"
        )
    tags = source.tags or think_tags(tokenizer, source.template_args)
    closing = source.closing
    if closing is None:
        closing = tokenizer.init_kwargs.get("probexit_closing", DEFAULT_CLOSING)
    model = _pretrained("AutoModelForCausalLM", source, source.loading.settings())
    if source.loading.adapter:
        model = _adapted(model, source)
    if not source.loading.placed:
        model.to("cuda" if torch.cuda.is_available() else "cpu")
    return Reasoner(
        model.eval(),
        tokenizer,
        tags,
        closing,
        source.name,
        source.answer_tokens,
        source.template_args,
        source.revision,
        source.loading,
    )


def load_tokenizer(source: Source) -> Any:
    """Load a model's tokenizer alone.

    Raises:
        ValueError: if there is none.
    """
    return _pretrained("AutoTokenizer", source, source.loading.tokenizer_settings())


def _adapted(model: Any, source: Source) -> Any:
    """Put a peft adapter into a model's own modules."""
    try:
        from peft import PeftModel

        return PeftModel.from_pretrained(model, source.loading.adapter).get_base_model()
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"cannot load the adapter {source.loading.adapter!r}: {_first(error)}"
        ) from error


def _first(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _pretrained(kind: str, source: Source, settings: dict[str, Any]) -> Any:
    import transformers
    from safetensors import SafetensorError

    if source.revision:
        settings["revision"] = source.revision
    try:
        return getattr(transformers, kind).from_pretrained(place(source.name), **settings)
    except (ImportError, OSError, ValueError, RuntimeError, SafetensorError) as error:
        remedy = "; --trust-remote-code runs it" if "trust_remote_code" in str(error) else ""
        said = f"cannot load the model {source.name!r}: {_first(error)}{remedy}"
        raise ValueError(said) from error


def place(name: str) -> str:
    """Return where a model lies: its folder, or its hub id.

    Raises:
        ValueError: if it is named like a folder and there is none.
    """
    if name in IN_PACKAGE:
        # Data of the package, found by place: nothing above this folder is imported.
        return str(files("probexit") / "experiments" / "reasoner" / IN_PACKAGE[name])
    if name.startswith((".", "/", "~")) and not Path(name).expanduser().is_dir():
        raise ValueError(f"there is no model folder {name!r}")
    return str(Path(name).expanduser()) if name.startswith("~") else name
