"""How the built-in model was trained: `python -m assets.train`. Not part of the installed app."""
