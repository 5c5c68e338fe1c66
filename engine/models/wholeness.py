"""Whether a model's files are all there and whole, by their headers and sizes."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from engine.errors import reason_of
from engine.models.file_kinds import rounded_to
from engine.models.model_files import DENOISERS, ModelFiles, parts_of, read_json, weight_files
from engine.models.weights_file import read_header, read_whole
from engine.models.weights_header import WeightsFileError

_SHARDS = "*.safetensors.index*.json"
_PICKLES = ("*.bin", "*.ckpt", "*.pt", "*.pth")


def faults_of(files: ModelFiles) -> list[str]:
    """What is wrong with a model's files, a line each; none: they are whole, as far as they tell.

    Of each part that its index names there is a folder; of each that has weights all files, those
    that the part's own index names; each with a header that holds, and as long as that says.
    """
    if fault := files.fault():
        return [fault]
    if not files.is_file:
        return list(_folder_faults(files.path, ()))
    if files.kind.what == "denoiser":
        return list(_folder_faults(Path(files.base), DENOISERS))
    return []


def _folder_faults(folder: Path, without: tuple[str, ...]) -> Iterator[str]:
    parts = sorted(parts_of(folder).keys() - set(without))
    if not parts:
        yield f"{folder}: its model_index.json names no part."
    for name in parts:
        part = folder / name
        if not part.is_dir():
            yield f"{folder}: the folder {name}, named in model_index.json, is missing."
        elif (part / "config.json").is_file():  # schedulers and tokenizers have others
            yield from _part_faults(part)


def rounded_fault(part: Path) -> str:
    """Why the weights of a part would be loaded as noise, in words; empty: they would not."""
    if "quantization_config" in read_json(part / "config.json"):  # then whoever loads it knows
        return ""
    for path in weight_files(part):
        with suppress(OSError, WeightsFileError):  # a fault of its own
            if rounded := rounded_to(read_header(path).tensors):
                return (
                    f"{part.name}: {path.name} has its weights in {rounded}, which are not loaded"
                    " as they are stored: take those in float16 or bfloat16."
                )
    return ""


def _part_faults(part: Path) -> Iterator[str]:
    if rounded := rounded_fault(part):
        yield rounded
    found = weight_files(part)
    for index in sorted(part.glob(_SHARDS)):
        yield from _shard_faults(part, index)
    if not found:
        pickled = any(next(part.glob(pattern), None) for pattern in _PICKLES)
        how = "only pickle files, which are not loaded" if pickled else "no weights"
        yield f"{part} has {how}: download its .safetensors."
    for path in found:
        try:
            read_whole(path)
        except WeightsFileError as error:
            yield f"{part.name}: {error}"
        except OSError as error:
            yield f"{part.name}: {path.name} cannot be read: {reason_of(error)}."


def _shard_faults(part: Path, index: Path) -> Iterator[str]:
    """What is wrong with weights that are spread over several files."""
    named = read_json(index).get("weight_map")
    if not isinstance(named, dict):
        yield f"{part.name}: {index.name} names no weights: download it again."
        return
    wanted: dict[str, set[str]] = defaultdict(set)
    for tensor, file in named.items():
        wanted[str(file)].add(tensor)
    for name, tensors in sorted(wanted.items()):
        path = part / name
        if Path(name).name != name or not path.is_file():
            yield f"{part.name}: {name}, named in {index.name}, is missing: download it."
            continue
        try:
            missing = tensors - read_whole(path).tensors.keys()
        except (WeightsFileError, OSError):
            continue  # said of the file itself
        if missing:
            yield f"{part.name}: {name} lacks {min(missing)}, which {index.name} says it has."
