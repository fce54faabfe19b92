"""Turn a trained run into what ships: `python -m training.export --run RUN --out FOLDER`.

The graphs are compared with the networks on random inputs before anything is replaced.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from training.run import RunFolder, RunFolderError
from world_model.graphs import FREE_AXES, OUTPUTS, example_inputs
from world_model.runtime import load_runtime
from world_model.weights import graph_path, write_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from training.networks import Networks

OPSET: Final = 18  # the first with ScatterElements by maximum
TOLERANCE: Final = 1e-3  # on latents of unit variance and metres; of bytes, the fraction that is off by more than one
WEIGHTS: Final = Path(__file__).parent.parent / "assets" / "moss"


class ExportError(Exception):
    """An exported graph does not do what its network does."""


def networks_of(run: Path) -> Networks:
    """The networks of a run's last checkpoint; of a stage under way its averages.

    Raises:
        RunFolderError: there is no checkpoint, or it cannot be read.
    """
    checkpoint = RunFolder(run).load() if run.is_dir() else None
    if checkpoint is None:
        raise RunFolderError(f"There is no checkpoint in {run}; `python -m training.train` writes one.")
    return checkpoint.restored(torch.device("cpu"), averaged=True)


def export(networks: Networks, folder: Path) -> float:
    """Write graphs and manifest; returns the largest difference between networks and graphs, as `difference` does.

    Raises:
        ExportError: that difference is above `TOLERANCE`; the folder is left as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch)
        _write_graphs(networks, made)
        write_manifest(made, networks.config)
        worst = difference(networks, made)
        if worst > TOLERANCE:
            raise ExportError(f"The exported graphs differ from the networks by {worst:.2g}.")
        for path in made.iterdir():
            shutil.copyfile(path, folder / path.name)
    return worst


def _write_graphs(networks: Networks, folder: Path) -> None:
    examples = example_inputs(networks.config, torch.Generator().manual_seed(0))
    for name, graph in networks.graphs().items():
        with warnings.catch_warnings():
            # The tracing exporter is deprecated; the other one needs packages that nothing else here does.
            warnings.simplefilter("ignore")
            torch.onnx.export(  # pyright: ignore[reportUnknownMemberType] - partly untyped
                graph,
                tuple(examples[name].values()),
                str(graph_path(folder, name)),
                input_names=list(examples[name]),
                output_names=list(OUTPUTS[name]),
                dynamic_axes=FREE_AXES.get(name),
                opset_version=OPSET,
                dynamo=False,
            )


@torch.no_grad()
def difference(networks: Networks, folder: Path) -> float:
    """The largest difference between what the networks and the graphs in `folder` make of the same random inputs.

    Raises:
        WeightsError: the folder cannot be read.
    """
    graphs, runtime, worst = networks.graphs(), load_runtime(folder), 0.0
    for name, inputs in example_inputs(networks.config, torch.Generator().manual_seed(1)).items():
        made: Tensor | tuple[Tensor, ...] = graphs[name](*inputs.values())
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
    parser.add_argument("--run", type=Path, required=True, help="folder of a training run")
    parser.add_argument(
        "--out", type=Path, default=WEIGHTS, help="folder of the weights (default: where the server looks)"
    )
    given = parser.parse_args(arguments)
    try:
        worst = export(networks_of(given.run), given.out)
    except (RunFolderError, ExportError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Exported to {given.out}; graphs and networks differ by {worst:.1e} at most.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
