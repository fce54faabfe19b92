"""What a store of accounts refuses, in the same words whichever store it is."""

from __future__ import annotations

from services.account_store.account_store import AccountFault, AccountStoreError


def name_taken() -> AccountStoreError:
    return AccountStoreError(AccountFault.NAME_TAKEN, "Somebody has this name already. Choose another one.")


def owner_exists() -> AccountStoreError:
    return AccountStoreError(AccountFault.OWNER_EXISTS, "This server has an owner already, who can invite you.")


def last_owner() -> AccountStoreError:
    message = "Nobody else is an owner of this server. Make another person an owner first."
    return AccountStoreError(AccountFault.LAST_OWNER, message)


def unknown(what: str) -> AccountStoreError:
    """`what`: person, session, token or invitation."""
    return AccountStoreError(AccountFault.UNKNOWN, f"There is no such {what}, or not any more.")
