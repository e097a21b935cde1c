"""What a controller's model was loaded with reaches the server, or is refused."""

import pytest

from probexit.experiments.commands.serve import server_options
from probexit.hooks.loading import Loading
from probexit.hooks.models import Source


def test_how_the_model_was_loaded_is_passed_on() -> None:
    source = Source(
        "m",
        template_args={"thinking": True},
        loading=Loading("bfloat16", attention="eager", quantization="bnb-4bit"),
    )
    assert server_options(source) == {
        "dtype": "bfloat16",
        "attn_implementation": "eager",
        "quantization": "bnb-4bit",
        "trust_remote_code": False,
        "chat_template_kwargs": '{"thinking": true}',
    }
    assert server_options(Source("m")) == {"dtype": "auto", "trust_remote_code": False}


@pytest.mark.parametrize(
    "loading",
    [
        Loading(adapter="a"),
        Loading(gguf="g"),
        Loading(quantization="torchao-int8"),
        Loading(device_map="auto"),
    ],
)
def test_what_the_server_cannot_do_is_refused(loading: Loading) -> None:
    with pytest.raises(ValueError, match="transformers serve"):
        server_options(Source("m", loading=loading))
