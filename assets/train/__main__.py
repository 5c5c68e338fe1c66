"""`python -m assets.train STAGE`: one stage of the training, or all of them in order."""

import argparse
from collections.abc import Callable
from pathlib import Path

from assets.train.autoencoder import train_autoencoder
from assets.train.decoder import train_decoder, train_edges
from assets.train.denoiser import train_denoiser
from assets.train.evaluate import report
from assets.train.export import adopt, assembled, export
from assets.train.judge import own_accuracy, train_judge
from assets.train.loop import together
from assets.train.reading import train_reader

_TRAINING: dict[str, Callable[..., None]] = {
    "autoencoder": train_autoencoder,
    "reader": train_reader,
    "denoiser": train_denoiser,
    "edges": train_edges,
    "decoder": train_decoder,
}
_MINUTES = {"autoencoder": 15.0, "reader": 7.0, "denoiser": 80.0, "edges": 15.0, "decoder": 60.0}


def main() -> None:
    """Run what the command line says; a stage begun before goes on where it stopped."""
    parser = argparse.ArgumentParser(prog="python -m assets.train", description=__doc__)
    parser.add_argument("stage", choices=[*_TRAINING, "export", "evaluate", "all"])
    parser.add_argument("--work", type=Path, default=Path("train-work"), help="its folder")
    parser.add_argument("--minutes", type=float, help="of training in all, over all runs")
    parser.add_argument("--start", type=Path, help="an earlier pipeline's folder, to begin from")
    parser.add_argument("--to", type=Path, help="export: the folder (default: WORK/pipeline)")
    parser.add_argument("--n", type=int, default=300, help="evaluate: prompts a figure")
    chosen = parser.parse_args()
    work: Path = chosen.work
    work.mkdir(parents=True, exist_ok=True)
    if chosen.start:
        adopt(chosen.start, work)
    for stage, train in _TRAINING.items():
        if chosen.stage in (stage, "all"):
            together(train, work, chosen.minutes or _MINUTES[stage])
    if chosen.stage in ("export", "all"):
        export(work, chosen.to or work / "pipeline")
    if chosen.stage in ("evaluate", "all"):
        judge = train_judge(work / "judge.pt")
        print("the judge on drawn pictures:", own_accuracy(judge), flush=True)
        report(assembled(work), judge, work, chosen.n)


if __name__ == "__main__":
    main()
