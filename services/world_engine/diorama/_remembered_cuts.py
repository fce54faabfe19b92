"""The cuts of pictures that a depth network has been asked about, so that no picture is asked about twice."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Final

from services.world_engine.depth.depth import DepthFailedError
from services.world_engine.diorama._cut import NOTHING, Cut, cut_things

if TYPE_CHECKING:
    from services.world_engine.depth.depth import DepthEstimator
    from services.world_engine.world_engine import Picture

_MOST: Final = 1024  # some 500 bytes each


class RememberedCuts:
    """Cuts pictures by what a depth estimator says of them. Any number of threads may use it.

    Worlds come back to their pictures: at a rewind over a change of scene, at a reset, after a fault. That costs no
    second look, and it works even if the estimator has failed meanwhile. An estimator that has failed once is not
    asked again, since each try may take minutes.
    """

    def __init__(self, depth: DepthEstimator) -> None:
        self._depth = depth
        self._lock = threading.Lock()
        self._known: dict[bytes, bytes | None] = {}  # packed cuts by SHA-256 of the picture; None: `NOTHING`
        self._fault: str | None = None

    def cut(self, picture: Picture) -> Cut:
        """The same picture gives the same cut. Blocks, as the estimator does.

        Raises:
            DepthFailedError: the estimator has failed, now or before, and the picture is new.
        """
        name = hashlib.sha256(picture.tobytes()).digest()
        with self._lock:
            is_known, packed, fault = name in self._known, self._known.get(name), self._fault
        if is_known:
            return NOTHING if packed is None else Cut.unpack(packed)
        if fault is not None:
            raise DepthFailedError(fault)
        try:
            cut = cut_things(picture, self._depth.estimate(picture))
        except DepthFailedError as error:
            self._fault = str(error)
            raise
        with self._lock:
            self._known[name] = None if cut is NOTHING else cut.pack()
            if len(self._known) > _MOST:
                del self._known[next(iter(self._known))]
        return cut
