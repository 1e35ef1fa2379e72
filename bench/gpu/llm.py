"""A transformer with random weights that generates greedily: `llm.py 0.6b|8b FILE` writes `<round> <hash of the tokens>` after each round."""
import hashlib
import os
import sys
import time

started = time.time()
try:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
except ImportError:
    sys.exit(77)

# The shapes of Qwen3 0.6B and Llama 3 8B.
SHAPES = {
    "0.6b": dict(vocab_size=151936, hidden_size=1024, intermediate_size=3072, num_hidden_layers=28,
                 num_attention_heads=16, num_key_value_heads=8),
    "8b": dict(vocab_size=128256, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32,
               num_attention_heads=32, num_key_value_heads=8),
}
shape, file = sys.argv[1:]
torch.manual_seed(0)
torch.set_default_dtype(torch.bfloat16)
with torch.device("cuda"):
    model = LlamaForCausalLM(LlamaConfig(max_position_embeddings=4096, **SHAPES[shape])).eval()
prompt = torch.arange(1, 17, device="cuda")[None]


def tokens(count):
    with torch.inference_mode():
        return model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=count, do_sample=False)


count = 0
while True:
    digest = hashlib.sha256(tokens(32).cpu().numpy().tobytes()).hexdigest()[:16]
    count += 1
    with open(file + ".part", "w") as part:
        part.write(f"{count} {digest} {time.time() - started:.2f}\n")
    os.replace(file + ".part", file)
    time.sleep(0.05)
