import pytest
import torch

from probexit.hooks.soft_embedding import SoftEmbedding

KINDS = ("llama", "qwen3")
IDS = torch.tensor([[5]])


def test_the_published_mixture():
    """p = (.7, .2, .1) over E = ((1, 0), (0, 1), (1, 1)): (.777778, .222222) and (.8, .3)."""

    class Tiny(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Embedding.from_pretrained(
                torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
            )

        def get_input_embeddings(self):
            return self.table

    model = Tiny()
    with SoftEmbedding(model) as soft:
        soft.feed(torch.tensor([0, 1]), torch.tensor([0.7, 0.2]) / 0.9)
        two = model.table(torch.tensor([[0]]))
        soft.feed(torch.tensor([0, 1, 2]), torch.tensor([0.7, 0.2, 0.1]))
        three = model.table(torch.tensor([[0]]))
        after = model.table(torch.tensor([[0]]))
    assert two.flatten().tolist() == pytest.approx([0.777778, 0.222222], abs=1e-6)
    assert three.flatten().tolist() == pytest.approx([0.8, 0.3])
    assert after.flatten().tolist() == [1, 0]  # a mixture is read once


@pytest.mark.parametrize("kind", KINDS)
def test_all_weight_on_one_token_is_that_token(tiny_model, kind):
    model = tiny_model(kind)
    plain = model(IDS).logits
    with SoftEmbedding(model) as soft:
        soft.feed(torch.tensor([5]), torch.tensor([1.0]))
        torch.testing.assert_close(model(IDS).logits, plain)
        soft.feed(torch.tensor([5, 9]), torch.tensor([0.5, 0.5]))
        assert not torch.allclose(model(IDS).logits, plain)  # or nothing would be fed
    assert torch.equal(model(IDS).logits, plain)


def test_an_embedding_that_scales_is_mixed_after_its_scale():
    class Scaled(torch.nn.Embedding):
        def forward(self, ids):
            return super().forward(ids) * 3

    class Tiny(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = Scaled(4, 2)

        def get_input_embeddings(self):
            return self.table

    model = Tiny()
    with SoftEmbedding(model) as soft, torch.no_grad():
        soft.feed(torch.tensor([1, 2]), torch.tensor([0.5, 0.5]))
        mixed = model.table(torch.tensor([[0]]))[0, 0]
    torch.testing.assert_close(mixed, 1.5 * (model.table.weight[1] + model.table.weight[2]))


def test_a_prompt_is_left_alone(tiny_model):
    model, prompt = tiny_model("llama"), torch.tensor([[5, 6, 7]])
    plain = model(prompt).logits
    with SoftEmbedding(model) as soft:
        soft.feed(torch.tensor([9]), torch.tensor([1.0]))
        assert torch.equal(model(prompt).logits, plain)


def test_gone_after_an_exception(tiny_model):
    model = tiny_model("llama")
    plain = model(IDS).logits
    soft = SoftEmbedding(model)
    soft.feed(torch.tensor([9]), torch.tensor([1.0]))
    with pytest.raises(RuntimeError, match="stop"), soft:
        raise RuntimeError("stop")
    assert torch.equal(model(IDS).logits, plain)
