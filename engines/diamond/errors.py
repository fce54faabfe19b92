"""What goes wrong with a model, its options, or what a caller gives it."""

from __future__ import annotations


class DiamondError(Exception):
    """`str()` is a sentence for the person who runs the model."""


class ModelFolderError(DiamondError):
    """A folder does not hold a model that this runtime can load."""


class OptionError(DiamondError):
    """The machine cannot do what the options ask for."""


class InputError(DiamondError, ValueError):
    """A picture, an action or a snapshot does not fit the model."""


class DivergedError(DiamondError):
    """A world's next frame holds numbers that are not finite. Its state before that frame is as it was."""
