"""The settings while the server runs: what is in force, what the files say, and who has to know of a change."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import structlog

from error_types import DomainError, ErrorCode, FieldsRefusedError
from handlers.base import StateHandler, in_thread, with_state_lock
from handlers.settings.file_changes import changed_texts
from handlers.settings.view import settings_response
from runtime_config.current import Current
from runtime_config.settings_fault import SettingsFault, SettingsFaultsError
from runtime_config.settings_texts import SECRETS_FILE, SETTINGS_FILE, SettingsTexts
from services.outlasting import unstoppable
from services.settings_file.settings_file import SettingsFileError
from state.events import SettingsBroken, SettingsRead
from state.settings_states import SettingsFaulty, SettingsInForce, SettingsSound, SettingsUnread
from state.transitions import settings_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor
    from threading import RLock

    from api_types import SettingsResponse
    from runtime_config.launch_settings import Launch
    from runtime_config.runtime_config import RuntimeConfig
    from services.clock.clock import Clock
    from services.settings_file.settings_file import SettingsFiles
    from state.app_state_types import AppState

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

Subscriber: TypeAlias = "Callable[[RuntimeConfig, RuntimeConfig], None]"


class SettingsHandler(StateHandler):
    """One change at a time: it is read, checked by itself and together, put in force as a whole, and told.

    `current` is for those who read a setting when they need it. `subscribe` is for those who have to act on a change.
    """

    def __init__(
        self,
        state: AppState,
        lock: RLock,
        *,
        launch: Launch,
        files: SettingsFiles,
        threads: Executor,
        clock: Clock,
    ) -> None:
        super().__init__(state, lock)
        self._launch = launch
        self._files = files
        self._threads = threads
        self._clock = clock
        self._turn = asyncio.Lock()
        self._subscribers: list[Subscriber] = []
        self._ask_to_reload: Callable[[], object] | None = None
        self._in_force = SettingsInForce(launch.config, launch.asked, launch.document)
        self._put_in_force(self._in_force)
        self.current: Current[RuntimeConfig] = Current(lambda: self.in_force().config)

    def subscribe(self, apply: Subscriber) -> None:
        """Have `apply` called with the configuration before and after each change, on the event loop. It must not wait.

        What it raises is logged, and keeps nobody else from being told.
        """
        self._subscribers.append(apply)

    # -------------------------------------------------------------------------------------------- reading

    @with_state_lock
    def in_force(self) -> SettingsInForce:
        match self._state.settings:
            case SettingsSound(in_force) | SettingsFaulty(in_force):
                return in_force
            case SettingsUnread():
                raise RuntimeError("The settings are read before anybody asks for them.")

    @with_state_lock
    def faults(self) -> tuple[SettingsFault, ...]:
        """What is wrong with the files; nothing while they say what is in force."""
        state = self._state.settings
        return state.faults if isinstance(state, SettingsFaulty) else ()

    @with_state_lock
    def describe(self) -> SettingsResponse:
        """Every setting with its value, where that comes from, and what waits for a restart. No secret is in it."""
        return settings_response(self._launch, self._state.settings, self._files.path)

    @with_state_lock
    def _revision_seen(self) -> str:
        """Of the bytes that were read last, sound or not. Whoever changes them has to have seen them."""
        match self._state.settings:
            case SettingsFaulty(revision=revision):
                return revision or "unreadable"
            case SettingsSound(in_force):
                return in_force.revision
            case SettingsUnread():
                return "unread"

    # ------------------------------------------------------------------------------------------ the files

    async def watch(self) -> None:
        """Follow the files until this is cancelled."""
        events = asyncio.get_running_loop()
        asked = asyncio.Event()
        self._ask_to_reload = partial(events.call_soon_threadsafe, asked.set)
        following = asyncio.create_task(self._follow_files())
        try:
            while True:
                await asked.wait()
                asked.clear()
                await self.reload()
        finally:
            self._ask_to_reload = None
            following.cancel()
            await asyncio.wait({following})

    def reload_soon(self) -> None:
        """Have the files read again. May be called from any thread, and from a signal handler."""
        ask = self._ask_to_reload
        if ask is not None:
            with suppress(RuntimeError):  # the loop has closed: the server has stopped
                ask()

    async def reload(self) -> None:
        """Read the files, and put what they say in force. What cannot be used changes nothing, and is told."""
        async with self._turn:
            await unstoppable(self._look())

    async def change(self, changes: Mapping[str, object], revision: str) -> None:
        """Write settings into the files, by name, and put them in force. None: back to the default.

        Raises:
            DomainError: the files are others than the caller has seen, cannot be edited or cannot be written.
            FieldsRefusedError: a setting cannot have that value; nothing has been changed.
        """
        async with self._turn:
            await unstoppable(self._change(changes, revision))

    async def _follow_files(self) -> None:
        try:
            async with aclosing(self._files.changes()) as looks:
                async for _ in looks:
                    await self.reload()
        except OSError as error:
            reason = error.strerror or str(error)
            logger.warning("The settings file is not watched, and is read when it is asked for", reason=reason)
        except Exception as error:  # the boundary of this task; a reload can still be asked for
            logger.exception("The settings file is not watched any more", exc_info=error)

    async def _look(self) -> None:
        try:
            texts = await in_thread(self._threads, self._files.read)
        except SettingsFaultsError as error:
            self._note_faults(error.faults, None)
            return
        if not self.faults() and texts.revision == self._revision_seen():
            return
        try:
            _require_nothing_lost(self.in_force().document.texts, texts)
            in_force = await in_thread(self._threads, lambda: self._resolved(texts))
        except SettingsFaultsError as error:
            self._note_faults(error.faults, texts.revision)
        else:
            self._apply(in_force)

    async def _change(self, changes: Mapping[str, object], revision: str) -> None:
        await self._look()
        if revision != self._revision_seen():
            message = "The settings have changed since you saw them. Look at them again before you change them."
            raise DomainError(message, ErrorCode.SETTINGS_CHANGED)
        in_force = await in_thread(self._threads, lambda: self._written(changes))
        self._apply(in_force)

    def _written(self, changes: Mapping[str, object]) -> SettingsInForce:
        """What is in force with the changes, once they are in the files. Blocks."""
        try:
            before = self._files.read()
            after = changed_texts(self._launch, self.in_force().document.texts, before, changes)
        except SettingsFaultsError as error:
            message = f"The settings cannot be changed before the file is mended. {error.faults[0]}"
            raise DomainError(message, ErrorCode.SETTINGS_BROKEN) from error
        try:
            in_force = self._resolved(after)
        except SettingsFaultsError as error:
            raise FieldsRefusedError({fault.setting or "": fault.reason for fault in error.faults}) from error
        try:
            self._files.write(before, after)
        except SettingsFileError as error:
            raise DomainError(str(error), ErrorCode.SETTINGS_NOT_KEPT) from error
        return in_force

    def _resolved(self, texts: SettingsTexts) -> SettingsInForce:
        """What would be in force with these files. Blocks. Raises: SettingsFaultsError."""
        document = self._launch.read(texts)
        asked = self._launch.asked_by(document)
        return SettingsInForce(self._launch.running_by(document), asked, document)

    # --------------------------------------------------------------------------------------- applying

    def _apply(self, in_force: SettingsInForce) -> None:
        before = self.in_force()
        self._put_in_force(in_force)
        if before.revision != in_force.revision:
            logger.info("The settings have changed", revision=in_force.revision)
        for apply in self._subscribers:
            try:
                apply(before.config, in_force.config)
            except Exception as error:  # the others have to know all the same
                logger.exception("A change of the settings could not be applied", exc_info=error)

    @with_state_lock
    def _put_in_force(self, in_force: SettingsInForce) -> None:
        settings_event(self._state, SettingsRead(in_force))

    def _note_faults(self, faults: tuple[SettingsFault, ...], revision: str | None) -> None:
        if self.faults() != faults:
            first = faults[0]
            logger.warning(
                "The settings file cannot be used, and the settings stay as they are",
                file=first.file,
                line=first.line,
                reason=first.reason,
                faults=len(faults),
            )
        with self._lock:
            settings_event(self._state, SettingsBroken(faults, revision, self._clock.wall()))


def _require_nothing_lost(before: SettingsTexts, now: SettingsTexts) -> None:
    """A file that goes away, or is empty all of a sudden, is more likely an accident than a wish for the defaults.

    Raises:
        SettingsFaultsError: that is what has happened.
    """
    for name, had, has in (
        (SETTINGS_FILE, before.settings, now.settings),
        (SECRETS_FILE, before.secrets, now.secrets),
    ):
        if had is None or not had.strip():
            continue
        if has is None:
            raise SettingsFaultsError([SettingsFault(name, "The file is gone.")])
        if not has.strip():
            reason = "The file is empty. Write a comment into it if everything is to have its default."
            raise SettingsFaultsError([SettingsFault(name, reason)])
