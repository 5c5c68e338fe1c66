"""A tiny Ideogram 4, and its enhancer."""

import json
from pathlib import Path
from typing import Any

import diffusers
import transformers

from tests.support import tiny_parts as parts

_CHAT = (
    "{% for m in messages %}{% if m['content'] is string %}{{ m['content'] }} {% else %}"
    "{% for part in m['content'] %}{{ part['text'] }} {% endfor %}{% endif %}{% endfor %}"
)
_TOKENS = 512
"""Of a text at most: a caption's."""


def ideogram() -> Any:
    tokenizer = parts.tokenizer()
    tokenizer.chat_template = _CHAT
    text_encoder = transformers.Qwen3VLModel(
        transformers.Qwen3VLConfig(
            text_config={
                "vocab_size": parts.WORDS,
                "hidden_size": 16,
                "intermediate_size": 16,
                "num_hidden_layers": 36,  # of which the pipeline takes thirteen
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "head_dim": 8,
                "max_position_embeddings": _TOKENS,
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 1e6,
                    "mrope_section": [2, 1, 1],
                },
            },
            vision_config={
                "depth": 1,
                "hidden_size": 16,
                "intermediate_size": 16,
                "num_heads": 2,
                "out_hidden_size": 16,
                "num_position_embeddings": 4,
                "deepstack_visual_indexes": [0],
            },
        )
    )

    def transformer() -> Any:
        return diffusers.Ideogram4Transformer2DModel(
            in_channels=16,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            intermediate_size=32,
            adaln_dim=16,
            llm_features_dim=16 * 13,
            mrope_section=(4, 2, 2),
        )

    return diffusers.Ideogram4Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=parts.flux2_vae(),
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        transformer=transformer(),
        unconditional_transformer=transformer(),
    )


def save_enhancer(folder: Path) -> None:
    """Give the tiny one in a folder what makes a language model of its text encoder."""
    head = diffusers.Ideogram4PromptEnhancerHead(hidden_size=16, vocab_size=parts.WORDS)
    head.save_pretrained(folder / "prompt_enhancer_head")
    index = json.loads((folder / "model_index.json").read_text())
    index["prompt_enhancer_head"] = ["diffusers", "Ideogram4PromptEnhancerHead"]
    (folder / "model_index.json").write_text(json.dumps(index))
