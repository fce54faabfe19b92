"""Turn trained runs into what ships: `python -m training.export --run RUN --scene SCENE_RUN --out FOLDER`.

`--run` is one of `training.train` (motion, then depth), `--scene` one of `training.scenes.train`; what they have not
trained stays in the folder as it is. Graphs are compared with their networks on random inputs before anything is
replaced.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from training.run import RunFolder, RunFolderError
from training.scenes.run import SceneRunFolder
from training.stage import STAGES
from world_model.graphs import OUTPUTS, SeeGraph, example_inputs
from world_model.runtime import load_runtime
from world_model.weights import WeightsError, graph_path, read_manifest, write_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from training.networks import Networks
    from training.stage import StageName
    from world_model.config import ModelConfig
    from world_model.scene_net import SceneNet

TOLERANCE: Final = 1e-3  # of metres and inverse metres; of bytes, the fraction that is off by more than one
GRAPHS: Final[Mapping[StageName, str]] = MappingProxyType({"motion": "walk", "depth": "start"})
WEIGHTS: Final = Path(__file__).parent.parent / "assets" / "moss"
_OPSET: Final = 18
_COMPARED: Final = 4  # inputs: of one alone, a walk's change may be so small that its graph leaves it out


class ExportError(Exception):
    """An exported graph does not do what its network does, or does not fit to those that it joins."""


def trained_graphs(run: Path) -> tuple[Mapping[str, nn.Module], ModelConfig]:
    """The graphs of a run's last checkpoint, and their sizes; of a stage under way its averages, of none before it.

    Raises:
        RunFolderError: there is no checkpoint, or it cannot be read.
    """
    checkpoint = RunFolder(run).load() if run.is_dir() else None
    if checkpoint is None:
        raise RunFolderError(f"There is no checkpoint in {run}; `python -m training.train` writes one.")
    networks, progress = checkpoint.restored(torch.device("cpu"), averaged=True), checkpoint.progress
    begun = STAGES[: len(progress.finished) + (progress.step > 0)]
    graphs = networks.graphs()
    return {GRAPHS[stage]: graphs[GRAPHS[stage]] for stage in begun}, networks.config


def scene_net_of(run: Path) -> SceneNet:
    """The averaged network of the last checkpoint of a run of `training.scenes.train`.

    Raises:
        RunFolderError: there is no checkpoint, or it cannot be read.
    """
    checkpoint = SceneRunFolder(run).load() if run.is_dir() else None
    if checkpoint is None:
        raise RunFolderError(f"There is no checkpoint in {run}; `python -m training.scenes.train` writes one.")
    return checkpoint.network(averaged=True)


def export(networks: Networks, folder: Path) -> float:
    """Write the graphs `start` and `walk`, and the manifest; returns what `export_graphs` does.

    Raises:
        ExportError: as `export_graphs`.
    """
    return export_graphs(networks.graphs(), networks.config, folder)


def export_scene(network: SceneNet, folder: Path) -> float:
    """Write the graph `see`, and the manifest; returns what `export_graphs` does.

    Where the folder has weights already, their sizes stand in the manifest: those of other networks may differ.

    Raises:
        ExportError: as `export_graphs`.
    """
    return export_graphs({"see": SeeGraph(network).eval()}, network.config, folder)


def export_graphs(graphs: Mapping[str, nn.Module], config: ModelConfig, folder: Path) -> float:
    """Write graphs beside those that are in the folder; returns the largest `difference` to the networks.

    Raises:
        ExportError: that difference is above `TOLERANCE`, or the folder has graphs for pictures of another form; the
            folder is left as it was.
    """
    told = _told(folder, config, graphs)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch)
        _write_graphs(graphs, config, made)
        write_manifest(made, config)
        worst = difference(graphs, config, made)
        if worst > TOLERANCE:
            raise ExportError(f"The exported graphs differ from the networks by {worst:.2g}.")
        for name in graphs:
            shutil.copyfile(graph_path(made, name), graph_path(folder, name))
    write_manifest(folder, told)
    return worst


def _told(folder: Path, config: ModelConfig, graphs: Mapping[str, nn.Module]) -> ModelConfig:
    """The sizes that the folder's manifest tells of afterwards: those of depth and motion, as far as there are some."""
    try:
        there = read_manifest(folder)
    except WeightsError:
        return config
    form = there.config.height, there.config.width, there.config.fov_deg
    if form != (config.height, config.width, config.fov_deg):
        raise ExportError(f"The graphs in {folder} are for pictures of another form.")
    return config if "see" not in graphs or set(there.files) <= set(graphs) else there.config


def _write_graphs(graphs: Mapping[str, nn.Module], config: ModelConfig, folder: Path) -> None:
    examples = example_inputs(config, torch.Generator().manual_seed(0))
    for name, graph in graphs.items():
        with warnings.catch_warnings():
            # The tracing exporter is deprecated; the other one needs packages that nothing else here does.
            warnings.simplefilter("ignore")
            torch.onnx.export(  # pyright: ignore[reportUnknownMemberType] - partly untyped
                graph,
                tuple(examples[name].values()),
                str(graph_path(folder, name)),
                input_names=list(examples[name]),
                output_names=list(OUTPUTS[name]),
                opset_version=_OPSET,
                dynamo=False,
            )


@torch.no_grad()
def difference(graphs: Mapping[str, nn.Module], config: ModelConfig, folder: Path) -> float:
    """The largest difference between what the networks and their graphs in `folder` make of the same random inputs.

    Raises:
        WeightsError: the folder cannot be read.
    """
    runtime, worst = load_runtime(folder, tuple(graphs)), 0.0
    drawn = [example_inputs(config, torch.Generator().manual_seed(seed)) for seed in range(1, 1 + _COMPARED)]
    for (name, graph), examples in itertools.product(graphs.items(), drawn):
        inputs = examples[name]
        made: Tensor | tuple[Tensor, ...] = graph(*inputs.values())
        expected = (made,) if isinstance(made, torch.Tensor) else made
        shipped = runtime.run(name, *(value.numpy() for value in inputs.values()))
        worst = max(worst, *(_apart(a, b.numpy()) for a, b in zip(shipped, expected, strict=True)))
    return worst


def _apart(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Of numbers the largest difference; of bytes, which a rounding moves by one, the fraction that is farther off."""
    off = np.abs(a.astype(np.float64) - b.astype(np.float64))
    return float((off > 1.0).mean() if a.dtype == np.uint8 else off.max())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.export", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--run", type=Path, help="folder of a run of training.train")
    parser.add_argument("--scene", type=Path, help="folder of a run of training.scenes.train")
    parser.add_argument(
        "--out", type=Path, default=WEIGHTS, help="folder of the weights (default: where the server looks)"
    )
    given = parser.parse_args(arguments)
    if given.run is None and given.scene is None:
        parser.error("give --run, --scene, or both")
    worst = 0.0
    try:
        trained = None if given.run is None else trained_graphs(given.run)
        scene_net = None if given.scene is None else scene_net_of(given.scene)
        if trained is not None:
            worst = export_graphs(*trained, given.out)
        if scene_net is not None:
            worst = max(worst, export_scene(scene_net, given.out))
    except (RunFolderError, ExportError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Exported to {given.out}; graphs and networks differ by {worst:.1e} at most.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
