"""How the built-in model was trained: `python -m assets.train`. Not part of the installed app.

`world` draws pictures and `captions` says what they show; then a module for each stage, in the
order that README.md here lists. It may import torch, diffusers and transformers, and nothing of
the app. Begin with `world`.
"""
