"""Turn a run of the scene network into what plays: `python -m training.scenes.export --run RUN --out FOLDER`.

The graph is compared with the network on random inputs before the file is replaced.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from training.export import OPSET, ExportError
from training.run import RunFolderError
from training.scenes.run import SceneRunFolder
from world_model.scene_graph import SeeGraph
from world_model.scene_runtime import SCENE_GRAPH, load_scene_runtime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from world_model.scene_net import SceneNet

_LARGEST_RELIEF: Final = 1e-3  # 1/m, between network and graph
_LARGEST_SHARE: Final = 1e-3  # of the bytes that differ by more than a rounding


def network_of(run: Path) -> SceneNet:
    """The averaged network of a run's last checkpoint.

    Raises:
        RunFolderError: there is no checkpoint, or it cannot be read.
    """
    checkpoint = SceneRunFolder(run).load() if run.is_dir() else None
    if checkpoint is None:
        raise RunFolderError(f"There is no checkpoint in {run}; `python -m training.scenes.train` writes one.")
    return checkpoint.network(averaged=True)


def export_scene(network: SceneNet, folder: Path) -> None:
    """Write the graph to `folder`.

    Raises:
        ExportError: the graph does not do what the network does; the folder is left as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    graph, config = SeeGraph(network).eval(), network.config
    rng = torch.Generator().manual_seed(0)
    picture = torch.randint(0, 256, (config.height, config.width, 3), dtype=torch.uint8, generator=rng)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated; the other one needs more packages
        made = Path(scratch) / SCENE_GRAPH
        torch.onnx.export(  # pyright: ignore[reportUnknownMemberType] - partly untyped
            graph,
            (picture, torch.zeros(1)),
            str(made),
            input_names=["picture", "slope"],
            output_names=["rgba", "relief"],
            opset_version=OPSET,
            dynamo=False,
        )
        _compare(graph, made.parent, picture.flip(0))
        made.replace(folder / SCENE_GRAPH)


@torch.no_grad()
def _compare(graph: SeeGraph, folder: Path, picture: torch.Tensor) -> None:
    rgba, relief = (tensor.numpy() for tensor in graph(picture, torch.tensor([0.1])))
    played_rgba, played_relief = load_scene_runtime(folder).run(picture.numpy(), 0.1)
    off = float(np.abs(played_relief - relief).max())
    share = float((np.abs(played_rgba.astype(np.int16) - rgba) > 1).mean())
    if off > _LARGEST_RELIEF or share > _LARGEST_SHARE:
        raise ExportError(
            f"The exported graph differs from the network: relief by {off:.2g}, {share:.2%} of the bytes."
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m training.scenes.export", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of a run of the scene network")
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights")
    given = parser.parse_args(arguments)
    try:
        export_scene(network_of(given.run), given.out)
    except (RunFolderError, ExportError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Exported to {given.out / SCENE_GRAPH}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
