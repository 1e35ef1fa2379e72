"""make_model.py FOLDER: a model that vLLM loads without a hub. The architecture of Qwen3 with 26 million parameters drawn from a
fixed seed, and a tokenizer of single bytes and words w0, w1, ...: what it says has no sense, but is the same in every process."""

import json
import os
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

SEED = 20260101
HIDDEN, LAYERS, HEADS, KV_HEADS, INNER, VOCABULARY, CONTEXT = 512, 8, 8, 4, 1536, 2048, 2048
HEAD_DIM = 64  # attention on processors wants 64 or more
END = "<|endoftext|>"


def tokenizer():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [END, *alphabet]
    words += [f"Ġw{i}" for i in range(VOCABULARY - len(words))]
    made = Tokenizer(models.BPE(vocab={word: i for i, word in enumerate(words)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([END])
    return made


def weights():
    generator = torch.Generator().manual_seed(SEED)

    def drawn(*shape):
        return (torch.randn(*shape, generator=generator) * shape[-1] ** -0.5).to(torch.bfloat16)

    def ones(size):
        return torch.ones(size, dtype=torch.bfloat16)

    # Large embeddings carry through all layers, and the head knows them in another order: each token leads to one other, which wins by
    # far. So a completion wanders through the vocabulary, and rounding never changes where it goes.
    embeddings = drawn(VOCABULARY, HIDDEN) * 64
    yield "model.embed_tokens.weight", embeddings
    yield "lm_head.weight", embeddings[torch.randperm(VOCABULARY, generator=generator)].clone()
    yield "model.norm.weight", ones(HIDDEN)
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        yield f"{at}.input_layernorm.weight", ones(HIDDEN)
        yield f"{at}.post_attention_layernorm.weight", ones(HIDDEN)
        for name, heads in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
            yield f"{at}.self_attn.{name}_proj.weight", drawn(heads * HEAD_DIM, HIDDEN)
        yield f"{at}.self_attn.o_proj.weight", drawn(HIDDEN, HEADS * HEAD_DIM)
        yield f"{at}.self_attn.q_norm.weight", ones(HEAD_DIM)
        yield f"{at}.self_attn.k_norm.weight", ones(HEAD_DIM)
        yield f"{at}.mlp.gate_proj.weight", drawn(INNER, HIDDEN)
        yield f"{at}.mlp.up_proj.weight", drawn(INNER, HIDDEN)
        yield f"{at}.mlp.down_proj.weight", drawn(HIDDEN, INNER)


CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "head_dim": HEAD_DIM,
    "intermediate_size": INNER,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": CONTEXT,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "attention_bias": False,
    "torch_dtype": "bfloat16",
    "bos_token_id": 0,
    "eos_token_id": 0,
}


def main(folder):
    os.makedirs(folder)

    def put(name, content):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)

    put("config.json", CONFIG)
    put("generation_config.json", {"eos_token_id": 0})
    put(
        "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "model_max_length": CONTEXT},
    )
    tokenizer().save(os.path.join(folder, "tokenizer.json"))
    save_file(dict(weights()), os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})


main(sys.argv[1])
