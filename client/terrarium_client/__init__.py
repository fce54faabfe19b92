"""Play and step the worlds of a Terrarium server from Python."""

from terrarium_client.errors import (
    ConnectionLostError,
    DamagedMessageError,
    RefusedError,
    SessionEndedError,
    TerrariumError,
)
from terrarium_client.gallery import GallerySeed, gallery
from terrarium_client.passes import Pass, Picture
from terrarium_client.world import Film, FrameFormat, Moments, World, connect

__all__ = [
    "ConnectionLostError",
    "DamagedMessageError",
    "Film",
    "FrameFormat",
    "GallerySeed",
    "Moments",
    "Pass",
    "Picture",
    "RefusedError",
    "SessionEndedError",
    "TerrariumError",
    "World",
    "connect",
    "gallery",
]
