"""Engines that wait in host memory: they left the device for another one, and come back without a load."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from handlers.base import StateHandler, with_state_lock
from handlers.engines.fitting import parked_memory
from services.memory_planner.engine_fit import badness, fit_of
from services.memory_planner.parking_plan import DoNotPark, HostMemory, Leaving, Park, plan_parking
from services.world_engine.engine_card import ModelLoadError
from services.world_engine.engine_parking import MortalEngine, can_park
from services.world_engine.world_engine import EngineOutOfMemoryError
from state.app_state_types import AppState, EngineKey, EngineParked, EngineParking
from state.events import Evicted, ParkFinished
from state.transitions import engine_event

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

    from handlers.engines._live import Live, LiveEngines
    from handlers.engines.fitting import EngineNeedsBook, ParkedMemory
    from runtime_config.current import Current
    from services.memory_planner.engine_fit import EngineNeeds
    from services.memory_planner.parking_plan import ParkingPlan
    from services.task_runner.task_runner import TaskRunner
    from services.world_engine.catalogue import CatalogueEntry, WorldEngineCatalogue

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


class ParkedEngines(StateHandler):
    """Whatever else needs the memory takes it from them, the one that was played longest ago first."""

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        catalogue: WorldEngineCatalogue,
        live: LiveEngines,
        needs: EngineNeedsBook,
        task_runner: TaskRunner,
        limit: Current[int | None],
    ) -> None:
        """`limit`: bytes of host memory for all of them; 0: none is kept; None: as much as the machine has to spare."""
        super().__init__(state, lock)
        self._catalogue = catalogue
        self._live = live
        self._needs = needs
        self._task_runner = task_runner
        self._limit = limit

    def is_wanted(self, key: EngineKey) -> bool:
        """Whether an engine that has to leave the device may wait in host memory, if it finds room there."""
        return self._limit.now != 0 and can_park(self._live.get(key).engine)

    # ------------------------------------------------------------------------------------------- leaving the device

    def park(self, key: EngineKey, following: EngineKey | None) -> None:
        """Move an engine whose state is `EngineParking` to host memory, in the background, for `following` to take its
        place. Where there is no room, it is unloaded."""
        live = self._live.get(key)
        self._live.take(key)

        def work() -> None:
            ram = self._moved(key, live, following)
            if ram is None:
                self._unload_instead(key, live)
                return
            with self._lock:
                engine_event(self._state, key, ParkFinished(ram))
                self._live.put(key, live)
            logger.info("Model is ready in memory", model=key.model_id)
            if isinstance(live.engine, MortalEngine):
                live.engine.when_ended(lambda: self._lost(key, live))
            self._live.tell()

        try:
            self._task_runner.submit(f"park {key.model_id}", work, on_error=lambda _: self._unload_instead(key, live))
        except RuntimeError:  # the server is stopping, or has no thread left
            self._unload_instead(key, live)

    def _moved(self, key: EngineKey, live: Live, following: EngineKey | None) -> int | None:
        """What it now holds of host memory, in bytes; None: it has to be unloaded. Blocks."""
        leaving = self._leaving(key, live.entry, following)
        match self._plan(leaving, following):
            case DoNotPark(reason):
                logger.info("The model is not kept in memory", model=key.model_id, reason=reason)
                return None
            case Park(count):
                for _ in range(count):
                    self._unload_oldest(but=following)
        engine = live.engine
        try:
            if not can_park(engine):
                return None
            self._live.disturbed()
            engine.park()
            self._live.disturbed()
        except Exception as error:  # noqa: BLE001 - an engine may raise anything, and is closed then
            logger.warning("The model could not leave its device", model=key.model_id, reason=str(error))
            return None
        return leaving.holds

    def _leaving(self, key: EngineKey, entry: CatalogueEntry, following: EngineKey | None) -> Leaving:
        needs, room = self._needs.needs(entry, key.quant), self._needs.room()
        moves = 0 if room.free.vram is None else needs.vram
        return Leaving(moves, needs.ram + moves, self._ram_of_next(following))

    def _ram_of_next(self, following: EngineKey | None) -> int:
        entry = None if following is None else self._catalogue.find(following.model_id)
        if following is None or entry is None or self._is_parked(following):
            return 0
        return self._needs.needs(entry, following.quant).ram

    def _plan(self, leaving: Leaving, following: EngineKey | None) -> ParkingPlan:
        room = self._needs.room()
        waiting = [state.ram for _, state in self._waiting(but=following)]
        return plan_parking(leaving, waiting, HostMemory(room.free.ram, room.total_ram, self._limit.now))

    def _unload_instead(self, key: EngineKey, live: Live) -> None:
        with self._lock:
            if not isinstance(self._state.engines.get(key), EngineParking):
                return
            engine_event(self._state, key, Evicted())
        self._live.close(key, live.engine)

    def _lost(self, key: EngineKey, live: Live) -> None:
        """Its process has ended while it waited; nobody has asked for it, so nobody is told."""
        with self._lock:
            if not isinstance(self._state.engines.get(key), EngineParked) or self._live.find(key) is not live:
                return
            engine_event(self._state, key, Evicted())
        logger.warning("A model that was ready in memory has ended, and is unloaded", model=key.model_id)
        self._live.unload(key)

    # ------------------------------------------------------------------------------------------- coming back

    def resume(self, key: EngineKey, live: Live, entry: CatalogueEntry) -> bool:
        """Bring back an engine that the caller has taken; whether it is there. If not, it is closed, and has to be
        loaded. Blocks.

        Raises:
            ModelLoadError: the device has no room for it. It is closed.
        """
        engine = live.engine
        if live.entry is entry and can_park(engine):  # otherwise the settings have changed
            try:
                engine.resume()
            except EngineOutOfMemoryError as error:
                engine.close()
                raise ModelLoadError(
                    f"{entry.title} was ready in memory, and the graphics card has no room for it now. Close what else"
                    " uses the card, and try again."
                ) from error
            except Exception as error:  # noqa: BLE001 - an engine may raise anything, and is closed then
                logger.warning("The model could not come back", model=key.model_id, reason=str(error))
            else:
                return True
        engine.close()
        return False

    # ------------------------------------------------------------------------------------------- giving way

    def give_way(self, is_enough: Callable[[], bool]) -> None:
        """Unload one after the other until it is enough, or none is left. Blocks."""
        while not is_enough() and self._unload_oldest():
            pass

    def keep_within_limit(self) -> None:
        """Begin to unload what is too much, as the settings may have changed."""
        for key in self._evict_beyond_limit():
            logger.info("A model is unloaded, as the settings keep fewer ready in memory", model=key.model_id)
            self._live.unload(key)

    def make_room_for(self, entry: CatalogueEntry, quant: str, *, is_parked: bool) -> None:
        """Give way to an engine that is about to be loaded, or comes back, as far as that helps it. Blocks."""
        needs = self._needs.needs(entry, quant)
        if is_parked:
            needs = replace(needs, ram=0)
        self.give_way(lambda: not self._helps(needs))

    def _helps(self, needs: EngineNeeds) -> bool:
        room, held = self._needs.room(), self._held()
        without = replace(room, yielding_ram=held.ram, yielding_vram=held.vram)
        return badness(fit_of(needs, without)) < badness(fit_of(needs, room))

    def _unload_oldest(self, *, but: EngineKey | None = None) -> bool:
        evicted = self._evict_oldest(but)
        if evicted is None:
            return False
        key, live = evicted
        logger.info("A model that was ready in memory makes room", model=key.model_id)
        self._live.close(key, live.engine)
        return True

    @with_state_lock
    def _evict_oldest(self, but: EngineKey | None) -> tuple[EngineKey, Live] | None:
        for key, _ in self._waiting(but=but):
            live = self._live.take(key)
            if live is not None:
                engine_event(self._state, key, Evicted())
                return key, live
        return None

    @with_state_lock
    def _evict_beyond_limit(self) -> list[EngineKey]:
        limit, held = self._limit.now, self._held().ram
        evicted: list[EngineKey] = []
        for key, state in self._waiting(but=None):
            if limit is None or held <= limit:
                break
            engine_event(self._state, key, Evicted())
            evicted.append(key)
            held -= state.ram
        return evicted

    # ------------------------------------------------------------------------------------------- reading AppState alone

    @with_state_lock
    def _held(self) -> ParkedMemory:
        return parked_memory(self._state.engines)

    @with_state_lock
    def _waiting(self, *, but: EngineKey | None) -> list[tuple[EngineKey, EngineParked]]:
        """The one that was played longest ago first."""
        found = [(key, state) for key, state in self._state.engines.items() if isinstance(state, EngineParked)]
        return sorted((each for each in found if each[0] != but), key=lambda each: each[1].idle_since)

    @with_state_lock
    def _is_parked(self, key: EngineKey) -> bool:
        return isinstance(self._state.engines.get(key), EngineParked)
