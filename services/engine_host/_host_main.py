"""The main function of a host's process: it loads the engine, and serves it until the server is done with it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from services.child_process.child_main import Sender, import_function, is_out_of_memory, set_up_child
from services.child_process.log_relay import relay_logs
from services.engine_host._inbox import Inbox, read_messages
from services.engine_host._messages import FromHost, HostFault, Loaded, LoadFailed, LoadReported
from services.engine_host._serving import HostedWorlds, is_batched
from services.world_engine.engine_card import ModelLoadError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from services.engine_host._messages import HostSpec
    from services.engine_host._shared_memory import HostMemory
    from services.world_engine.engine_card import LoadStep
    from services.world_engine.world_engine import WorldEngine

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


def run_host(connection: Connection, memory: HostMemory, spec: HostSpec, log_level: int) -> None:
    """It ends when the server says so, closes the connection or exits."""
    set_up_child(spec.environment, niceness=spec.niceness)
    sender: Sender[FromHost] = Sender(connection)
    relay_logs(sender.tell, log_level)
    inbox = Inbox()
    threading.Thread(target=read_messages, args=(connection, inbox), name="host-receiver", daemon=True).start()
    engine = _load(spec, sender)
    if engine is not None:
        sender.tell(Loaded(engine.spec, is_batched(engine)))
        HostedWorlds(engine, memory, inbox, sender.tell).serve()


def _load(spec: HostSpec, sender: Sender[FromHost]) -> WorldEngine | None:
    def report(step: LoadStep) -> None:
        sender.tell(LoadReported(step))

    try:
        factory = import_function(spec.factory)
        engine: WorldEngine = factory(quant=spec.quant, report=report, **spec.options)
        return engine
    except Exception as error:  # noqa: BLE001 - libraries, plug-ins and damaged files raise anything
        sender.tell(LoadFailed(*_explained(error, spec.name)))
        return None


def _explained(error: Exception, name: str) -> tuple[HostFault, str]:
    if isinstance(error, ModelLoadError):
        logger.warning("The model could not be loaded", reason=str(error), exc_info=error if error.__cause__ else None)
        return HostFault.LOAD_FAILED, str(error)
    logger.error("The model could not be loaded", exc_info=error)
    if is_out_of_memory(error):
        advice = "Close what else uses it, or choose a smaller model or another quantisation."
        return HostFault.OUT_OF_MEMORY, f"There was not enough memory to load {name}. {advice}"
    what = f"{name} could not be loaded ({type(error).__name__})."
    return HostFault.LOAD_FAILED, f"{what} The server's log has the details."
