"""How long films stay, where the owner of the server has set that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from access_rules import Owner
from error_types import DomainError
from handlers.service_errors import service_errors_translated
from services.ownership_store.ownership_store import Thing, ThingKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from handlers.ownership.belongings import Belongings
    from runtime_config.current import Current
    from runtime_config.films_config import FilmsConfig
    from services.clock.clock import Clock
    from services.film_store.film_store import FilmStore

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_DAY_S: Final = 24 * 3600.0


class FilmRetention:
    def __init__(
        self,
        store: FilmStore,
        belongings: Belongings,
        *,
        in_use: Callable[[], Collection[str]],
        clock: Clock,
        config: Current[FilmsConfig],
    ) -> None:
        """`in_use` are films that others are to be made from."""
        self._store = store
        self._belongings = belongings
        self._in_use = in_use
        self._clock = clock
        self._config = config

    def prune(self) -> None:
        """Remove films that are too old, whosever they are. Blocks. What cannot be removed is tried the next time."""
        days = self._config.now.kept_days
        if days == 0:
            return
        before, in_use = self._clock.wall() - days * _DAY_S, self._in_use()
        for film_id, facts in self._store.list():
            if facts.created_at < before and film_id not in in_use:
                self._remove(film_id)

    def _remove(self, film_id: str) -> None:
        def remove() -> None:
            self._store.remove(film_id)

        try:
            with service_errors_translated():
                self._belongings.give_up(Owner(), Thing(ThingKind.FILM, film_id), remove)
        except DomainError as error:
            logger.warning("An old film cannot be removed", film=film_id, reason=error.message)
        else:
            logger.info("A film was removed for its age", film=film_id)
