"""model.py 0.6b|8b FOLDER: the architecture of Qwen3 of that size with random weights of a fixed seed, as safetensors, and a tokenizer of words t0, t1, ..."""
import os
import sys
import time

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

WORDS = 151936
END, PAD = 151645, 151643
SHAPES = {
    "0.6b": dict(hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16,
                 num_key_value_heads=8, tie_word_embeddings=True),
    "8b": dict(hidden_size=4096, intermediate_size=12288, num_hidden_layers=36, num_attention_heads=32,
               num_key_value_heads=8, tie_word_embeddings=False),
    # For a machine without a GPU.
    "tiny": dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, tie_word_embeddings=True),
}


def tokenizer():
    made = Tokenizer(models.WordLevel({f"t{i}": i for i in range(WORDS)}, unk_token="t0"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="t0", eos_token=f"t{END}", pad_token=f"t{PAD}")


def model(shape):
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    config = Qwen3Config(vocab_size=WORDS, head_dim=128, max_position_embeddings=40960, eos_token_id=END,
                         bos_token_id=PAD, dtype="bfloat16", **SHAPES[shape])
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        return Qwen3ForCausalLM(config)


shape, folder = sys.argv[1:]
started = time.time()
os.makedirs(folder + ".part", exist_ok=True)
tokenizer().save_pretrained(folder + ".part")
made = model(shape)
made.save_pretrained(folder + ".part", max_shard_size="4GB")
os.rename(folder + ".part", folder)
print(f"{sum(p.numel() for p in made.parameters()) / 1e9:.2f} thousand million parameters in {time.time() - started:.1f} s")
