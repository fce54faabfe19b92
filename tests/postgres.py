"""A PostgreSQL that tests may empty: CI starts one, and elsewhere those tests are skipped."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest
from sqlalchemy import create_engine, text

_VARIABLE = "TERRARIUM_TEST_POSTGRES_URL"
_REQUIRED = "TERRARIUM_REQUIRE_FLEET"


def lacking(what: str) -> NoReturn:
    """Skips, unless the environment says that this machine is meant to have Ray and PostgreSQL."""
    if os.environ.get(_REQUIRED):
        pytest.fail(f"{what}, though {_REQUIRED} is set")
    pytest.skip(what)


def emptied_postgres_url() -> str:
    """The address of a database with nothing in it; each process of a parallel run has its own schema."""
    url = os.environ.get(_VARIABLE)
    if not url:
        lacking(f"{_VARIABLE} names no PostgreSQL")
    schema = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    return f"{url}?options=-csearch_path%3D{schema}"
