"""Pure: which models there are, and what each can draw.

The user's list (`catalog`), kinds of pipelines (`family`), what a weights file is (`file_kinds`),
LoRAs (`loras`), schedulers by their names, fingerprints of files. Imports no torch. Begin with
`catalog`.
"""
