"""Packages that only some models need, and how to install one that is missing."""

import importlib.metadata
import re
import sys
from collections.abc import Mapping

HELPERS: Mapping[str, str] = {
    "sentencepiece": "tokenizers of T5, Gemma and Kolors that come as one file",
    "protobuf": "the same tokenizers",
    "torchvision": "models that look at pictures themselves, such as Qwen-Image-Edit",
    "peft": "LoRA files",
    "torchao": "models whose entry says quantise, or that it has stored",
    "gguf": "denoisers that are stored as GGUF",
    "bitsandbytes": "models that are stored in its 4 or 8 bits",
}
"""Package → which models need it."""
GGUF_READER = "gguf"
"""The package that reads GGUF files."""
ON_GPU_ALONE = "bitsandbytes"
"""The package whose weights are loaded onto a GPU alone."""
QUANTISER = "torchao"
"""The package that rounds weights when a model is loaded."""
TORCHVISION = "0.28.*"
"""The release that belongs to torch 2.13; torch refuses every other one's operators."""
_ALSO_CALLED = {"torchvision": "(torchvision|video processor)"}
"""Package → what libraries call it, or what cannot be without it, where they miss it."""
_BUILDS = "https://download.pytorch.org/whl"
_FOREIGN = "torchvision::"
"""In what torch says of a torchvision that was built for another torch."""


def installed(package: str) -> str | None:
    """The version of a package that is there; None if it is not."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def how_to_install(package: str) -> str:
    """The command that installs a helper: torchvision of torch's own release and build."""
    install = f"{sys.executable} -m pip install"
    if package != "torchvision":
        return f"{install} {package}"
    _, _, build = (installed("torch") or "").partition("+")
    source = f" --index-url {_BUILDS}/{build}" if build else ""
    return f"{install} 'torchvision=={TORCHVISION}'{source}"


def lack_of(package: str) -> str:
    """What is to be done to have a package; empty if it is there, or none is named."""
    if not package or installed(package):
        return ""
    return f"needs {package}, which is not installed: `{how_to_install(package)}`"


def helper_reason(error: BaseException) -> str | None:
    """In words, if an error comes of a helper that is missing, or does not go with torch."""
    text = str(error)
    if _FOREIGN in text and installed("torchvision"):
        return (
            "the torchvision that is installed was built for another torch:"
            f" `{how_to_install('torchvision')}`, or uninstall it if no model needs it; then"
            " `promptsheet engine stop`, and resume"
        )
    for package in HELPERS:
        named = re.search(rf"\b{_ALSO_CALLED.get(package, package)}\b", text, re.IGNORECASE)
        if named and installed(package) is None:
            return f"the model {lack_of(package)}, then `promptsheet engine stop`, and resume"
    return None


def helpers() -> dict[str, str]:
    """Helper → its version, or what it is for and how to install it."""
    return {
        package: installed(package) or f"not installed, for {use}: {how_to_install(package)}"
        for package, use in HELPERS.items()
    }
