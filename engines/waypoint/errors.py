"""What goes wrong with a model, its options, or what a caller gives it."""

from __future__ import annotations


class WaypointError(Exception):
    """`str()` is a sentence for the person who runs the model."""


class ModelFolderError(WaypointError):
    """A folder does not hold a model that this runtime can load."""


class OptionError(WaypointError):
    """The machine, the installed packages or the model cannot do what the options ask for."""


class InputError(WaypointError, ValueError):
    """A picture, a control, a noise, a prompt or a snapshot does not fit the model."""


class DivergedError(WaypointError):
    """A latent holds numbers that are not finite. Its world can be reset or restored."""


class WorldClosedError(WaypointError):
    """A world was used after `close`."""


class NoRoomError(WaypointError):
    """Every row of a batch is taken by an open world."""
