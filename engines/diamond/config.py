"""The two YAML files of a published model: the sizes of its networks, of its frames and of its actions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import yaml

from engines.diamond.actions import ACTION_WIDTH
from engines.diamond.errors import ModelFolderError
from engines.model_folder import file_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

AGENT_FILE: Final = "config/agent/csgo.yaml"
ENV_FILE: Final = "config/env/csgo.yaml"
GROUP_WIDTH: Final = 32  # channels that are normalised together
_LARGEST_FILE: Final = 1 << 20  # bytes; the published ones have a few hundred
_LARGEST_COUNT: Final = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Fields have the names of `inner_model`. The last three have one value for each level of the U-Net."""

    img_channels: int
    num_steps_conditioning: int  # past pictures that it sees
    cond_channels: int
    depths: tuple[int, ...]  # residual blocks
    channels: tuple[int, ...]
    attn_depths: tuple[bool, ...]  # whether its residual blocks end in attention


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiserConfig:
    inner_model: NetworkConfig
    sigma_data: float
    sigma_offset_noise: float
    noise_previous_obs: bool  # whether it was taught with noise on the past pictures
    upsampling_factor: int | None

    @property
    def shown_pictures(self) -> int:
        """Pictures that the network sees: the past ones, the one to enlarge if it enlarges, and the noisy one."""
        return self.inner_model.num_steps_conditioning + (self.upsampling_factor is not None) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DiamondConfig:
    denoiser: DenoiserConfig
    upsampler: DenoiserConfig
    height: int  # of the frames that players see
    width: int
    num_actions: int  # width of an action's vector
    factor: int  # by which the upsampler enlarges

    @property
    def small_size(self) -> tuple[int, int]:
        """Height and width of the pictures that the first network makes."""
        return self.height // self.factor, self.width // self.factor


def read_config(folder: Path) -> DiamondConfig:
    """Raises:
    ModelFolderError: a file is missing, or describes no model that this runtime knows.
    """
    agent, env = _Section.of_file(folder, AGENT_FILE), _Section.of_file(folder, ENV_FILE)
    size = env.section("train").counts("size")
    if len(size) != 2:
        raise ModelFolderError(f"{ENV_FILE} has a size that is not a height and a width.")
    upsampler = _denoiser(agent.section("upsampler"))
    config = DiamondConfig(
        denoiser=_denoiser(agent.section("denoiser")),
        upsampler=upsampler,
        height=size[0],
        width=size[1],
        num_actions=env.count("num_actions"),
        factor=upsampler.upsampling_factor or 1,
    )
    broken = list(_contradictions(config))
    if broken:
        raise ModelFolderError(f"This runtime cannot load the model of {AGENT_FILE}: {'; '.join(broken)}.")
    return config


def _denoiser(section: _Section) -> DenoiserConfig:
    inner = section.section("inner_model")
    return DenoiserConfig(
        inner_model=NetworkConfig(
            img_channels=inner.count("img_channels"),
            num_steps_conditioning=inner.count("num_steps_conditioning"),
            cond_channels=inner.count("cond_channels"),
            depths=inner.counts("depths"),
            channels=inner.counts("channels"),
            attn_depths=inner.flags("attn_depths"),
        ),
        sigma_data=section.real("sigma_data"),
        sigma_offset_noise=section.real("sigma_offset_noise"),
        noise_previous_obs=section.flag("noise_previous_obs"),
        upsampling_factor=section.count_or_none("upsampling_factor"),
    )


def _contradictions(config: DiamondConfig) -> Iterator[str]:
    """What in a config does not fit together, or is unknown here."""
    if config.denoiser.upsampling_factor is not None:
        yield "its denoiser enlarges"
    if not config.denoiser.noise_previous_obs or config.upsampler.noise_previous_obs:
        yield "noise_previous_obs is not true of the denoiser alone"
    if config.upsampler.upsampling_factor is None:
        yield "its upsampler has no upsampling_factor"
    if config.num_actions != ACTION_WIDTH:
        yield f"it has {config.num_actions} actions where this runtime knows {ACTION_WIDTH}"
    if not (config.denoiser.sigma_data and config.upsampler.sigma_data):
        yield "its sigma_data is 0"
    if config.height % config.factor or config.width % config.factor:
        yield "the size of its frames is not a multiple of upsampling_factor"
    for name, network in (("denoiser", config.denoiser.inner_model), ("upsampler", config.upsampler.inner_model)):
        if network.img_channels != 3:
            yield f"the pictures of its {name} are not in red, green and blue"
        if not len(network.depths) == len(network.channels) == len(network.attn_depths):
            yield f"the levels of its {name} are not of one number"
        if any(channels % GROUP_WIDTH for channels in network.channels):
            yield f"the channels of its {name} are not multiples of {GROUP_WIDTH}"
        if network.cond_channels % 2 or network.cond_channels % network.num_steps_conditioning:
            yield f"cond_channels of its {name} cannot be divided among its parts"


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of a file, read field by field. Every method raises `ModelFolderError` where a model could not be so."""

    file: str
    fields: Mapping[str, Any]

    @classmethod
    def of_file(cls, folder: Path, name: str) -> _Section:
        path = file_in(folder, name, ModelFolderError)
        if path.stat().st_size > _LARGEST_FILE:
            raise ModelFolderError(f"{name} is far too large for the description of a model.")
        try:
            told: object = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise ModelFolderError(f"{name} is damaged: it is not YAML.") from error
        if not isinstance(told, dict):
            raise ModelFolderError(f"{name} does not describe a model: it has no fields.")
        return cls(name, cast("dict[str, Any]", told))

    def section(self, name: str) -> _Section:
        value = self._value(name)
        if not isinstance(value, dict):
            raise self._odd(name, value)
        return _Section(self.file, cast("dict[str, Any]", value))

    def count(self, name: str) -> int:
        return self._count(name, self._value(name))

    def count_or_none(self, name: str) -> int | None:
        return None if self.fields.get(name) is None else self.count(name)

    def counts(self, name: str) -> tuple[int, ...]:
        return tuple(self._count(name, one) for one in self._list(name))

    def flag(self, name: str) -> bool:
        value = self._value(name)
        if not isinstance(value, bool):
            raise self._odd(name, value)
        return value

    def flags(self, name: str) -> tuple[bool, ...]:
        values = self._list(name)
        if any(one not in {0, 1} for one in values):
            raise self._odd(name, values)
        return tuple(bool(one) for one in values)

    def real(self, name: str) -> float:
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise self._odd(name, value)
        return float(value)

    def _list(self, name: str) -> list[Any]:
        value = self._value(name)
        if not isinstance(value, list) or not value or any(isinstance(one, dict | list) for one in value):  # pyright: ignore[reportUnknownVariableType] - YAML has no types
            raise self._odd(name, value)
        return cast("list[Any]", value)

    def _count(self, name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LARGEST_COUNT:
            raise self._odd(name, value)
        return value

    def _value(self, name: str) -> Any:
        if name not in self.fields:
            raise ModelFolderError(f"{self.file} is not that of a DIAMOND model: it lacks {name}.")
        return self.fields[name]

    def _odd(self, name: str, value: Any) -> ModelFolderError:
        return ModelFolderError(f"{self.file} has {name}: {value!s:.40}, which no DIAMOND model can have.")
