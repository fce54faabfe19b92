"""The account store beside the event loop: opened when it is first needed, read by several threads, written by one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from error_types import DomainError, ErrorCode
from handlers.base import in_thread
from handlers.service_errors import service_errors_translated
from services.outlasting import unstoppable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from handlers.accounts.connections import OfUser, OpenConnections
    from services.account_store.account import UserId
    from services.account_store.account_store import AccountStore, AccountStores
    from sign_in import OfSession, OfToken

Result = TypeVar("Result")


class AccountDesk:
    """`connections` are cut off when what they were opened with ends. `is_on`: the server knows accounts."""

    def __init__(self, stores: AccountStores, connections: OpenConnections, *, is_on: bool) -> None:
        self._is_on = is_on
        self._stores = stores
        self._connections = connections
        self._reading = ThreadPoolExecutor(4, thread_name_prefix="accounts")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="account-writes")
        self._opening = Lock()
        self._store: AccountStore | None = None
        self._is_closed = False

    def require_accounts(self) -> None:
        """Raises: DomainError, the server was started without them."""
        if not self._is_on:
            raise DomainError("This server knows no accounts. Start it with --accounts.", ErrorCode.ACCOUNTS_OFF)

    async def read(self, work: Callable[[AccountStore], Result]) -> Result:
        """Raises: DomainError, the database cannot be used."""
        return await self._run(self._reading, work)

    async def write(self, work: Callable[[AccountStore], Result]) -> Result:
        """Raises: DomainError, the store refuses it or cannot keep it."""
        return await self._run(self._writing, work)

    async def revoke(self, work: Callable[[AccountStore], Result], *which: OfUser | OfSession | OfToken) -> Result:
        """Write what takes rights away, then cut off those who had them, even where whoever asked has gone meanwhile.

        Raises:
            DomainError: the store refuses it or cannot keep it; nobody was cut off.
        """

        async def write_and_cut_off() -> Result:
            result = await self.write(work)
            for each in which:
                self._connections.revoke(each)
            return result

        return await unstoppable(write_and_cut_off())

    def names(self) -> Mapping[UserId, str]:
        """Of everybody. Blocks. Raises: DomainError, the database cannot be used."""
        with service_errors_translated():
            return {known.user.id: known.user.name for known in self._opened().users()}

    def close(self) -> None:
        """Blocks until what is being written is written."""
        self._is_closed = True
        self._reading.shutdown(wait=False, cancel_futures=True)
        self._writing.shutdown(wait=True, cancel_futures=True)

    async def _run(self, threads: Executor, work: Callable[[AccountStore], Result]) -> Result:
        self.require_accounts()
        if self._is_closed:
            raise DomainError("The server is stopping.", ErrorCode.SHUTTING_DOWN)

        def run() -> Result:
            with service_errors_translated():
                return work(self._opened())

        return await in_thread(threads, run)

    def _opened(self) -> AccountStore:
        with self._opening:
            if self._store is None:
                self._store = self._stores.open()
            return self._store
