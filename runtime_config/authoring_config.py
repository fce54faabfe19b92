"""The part of the configuration that says what writes and paints scenes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from runtime_config.applies import LIVE, NEXT_JOB
from runtime_config.setting import Setting
from runtime_config.setting_types import Commit, PictureSize

LocalImages: TypeAlias = Literal["off", "auto", "resident", "offloaded", "cpu"]
LocalWriter: TypeAlias = LocalImages
Quantisation: TypeAlias = Literal["none", "int8"]
UnloadEngine: TypeAlias = Literal["auto", "always", "never"]

LONGEST_PROMPT: Final = 1000  # characters


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """A server in the OpenAI format. `base_url` is without a slash at its end; `timeout_s` is for one request."""

    base_url: str
    model: str
    key: str | None = field(default=None, repr=False)  # never printed
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class AuthoringConfig:
    """What writes and paints scenes; without a writer and an image model there is no scene authoring.

    Times in seconds. A stock client waits 30 s for an edit and 60 s for a scene: it must be answered before.
    """

    writer_endpoint: Annotated[
        str | None,
        Setting(
            "writer_endpoint",
            "base address of a chat server in the OpenAI format, such as http://127.0.0.1:11434/v1, whose model turns"
            " prompts into instructions for the image model; needs --writer-model",
            metavar="URL",
            applies=LIVE,
        ),
    ] = None
    writer_model: Annotated[
        str | None, Setting("writer_model", "name of the chat server's model", metavar="NAME", applies=LIVE)
    ] = None
    writer_key: Annotated[
        str | None,
        Setting(
            "writer_key",
            "key of the chat server, if it asks for one; prefer the variable",
            metavar="SECRET",
            applies=LIVE,
            is_secret=True,
        ),
    ] = field(default=None, repr=False)
    writer_sees: Annotated[
        bool, Setting("writer_sees", "tell that the chat server's model reads no pictures", applies=LIVE)
    ] = True
    local_writer: Annotated[
        LocalWriter,
        Setting(
            "local_writer",
            "without a chat server: whether Qwen3-VL from the Hugging Face cache does its work on this machine, and"
            " where it lives; auto chooses by the memory that is free",
            applies=NEXT_JOB,
        ),
    ] = "off"
    local_writer_folder: Annotated[
        Path | None,
        Setting(
            "local_writer_folder",
            "folder of that model, or of another one that calls tools",
            default="its place in the Hugging Face cache",
            applies=NEXT_JOB,
        ),
    ] = None
    local_writer_revision: Annotated[
        Commit | None,
        Setting(
            "local_writer_revision",
            "commit of that model in the cache, as 40 hexadecimal digits",
            default="the one that the server was made with",
            metavar="COMMIT",
            applies=NEXT_JOB,
        ),
    ] = None
    local_writer_quant: Annotated[
        Quantisation,
        Setting("local_writer_quant", "int8 keeps that model's weights in half the memory", applies=NEXT_JOB),
    ] = "none"
    image_endpoint: Annotated[
        str | None,
        Setting(
            "image_endpoint",
            "base address of an images server in the OpenAI format; needs --image-model",
            metavar="URL",
            applies=LIVE,
        ),
    ] = None
    image_model: Annotated[
        str | None, Setting("image_model", "name of the images server's model", metavar="NAME", applies=LIVE)
    ] = None
    image_key: Annotated[
        str | None,
        Setting(
            "image_key",
            "key of the images server, if it asks for one; prefer the variable",
            metavar="SECRET",
            applies=LIVE,
            is_secret=True,
        ),
    ] = field(default=None, repr=False)
    image_size: Annotated[
        PictureSize | None,
        Setting(
            "image_size",
            "the size to ask the images server for, if it makes only some",
            default="the one that fits the world",
            metavar="WIDTHxHEIGHT",
            applies=LIVE,
        ),
    ] = None
    local_images: Annotated[
        LocalImages,
        Setting(
            "local_images",
            "without an images server: whether FLUX.2 klein from the Hugging Face cache does its work on this machine,"
            " and where it lives; auto chooses by the memory that is free",
            applies=NEXT_JOB,
        ),
    ] = "off"
    local_image_folder: Annotated[
        Path | None,
        Setting(
            "local_image_folder",
            "folder of that model",
            default="its place in the Hugging Face cache",
            applies=NEXT_JOB,
        ),
    ] = None
    local_images_quant: Annotated[
        Quantisation,
        Setting("local_images_quant", "int8 keeps that model's weights in about half the memory", applies=NEXT_JOB),
    ] = "none"
    unload_engine: Annotated[
        UnloadEngine,
        Setting(
            "unload_engine",
            "whether a world engine on the GPU is unloaded while a model on this machine makes a scene, and loaded"
            " again afterwards; auto does so where nothing else fits and nobody else plays on it",
            applies=LIVE,
        ),
    ] = "auto"
    edit_limit_s: float = 28.0
    scene_limit_s: float = 58.0
    job_limit_s: float = 600.0  # of a scene that no session waits for
    max_prompt_characters: int = LONGEST_PROMPT

    @property
    def writer(self) -> EndpointConfig | None:
        """The chat server, if there is one."""
        return _endpoint(self.writer_endpoint, self.writer_model, self.writer_key)

    @property
    def images(self) -> EndpointConfig | None:
        """The images server, if there is one."""
        return _endpoint(self.image_endpoint, self.image_model, self.image_key)

    @property
    def writer_wanted(self) -> tuple[object, ...]:
        """All that decides which prompt writer there is."""
        local = (self.local_writer_folder, self.local_writer_revision, self.local_writer_quant)
        return (self.writer, self.writer_sees, self.local_writer != "off", *local)

    @property
    def images_wanted(self) -> tuple[object, ...]:
        """All that decides which image model there is."""
        return (
            self.images,
            self.image_size,
            self.local_images != "off",
            self.local_image_folder,
            self.local_images_quant,
        )


def _endpoint(base_url: str | None, model: str | None, key: str | None) -> EndpointConfig | None:
    return None if base_url is None else EndpointConfig(base_url.rstrip("/"), model or "", key)
