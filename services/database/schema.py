"""The tables of the database, as the newest migration leaves them. Times are seconds since 1970."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA: Final = MetaData()

_RISING = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself in INTEGER columns alone

JOBS: Final = Table(
    "jobs",
    METADATA,
    Column("id", String(26), primary_key=True),  # a ULID: sorted by it, jobs are sorted by age
    Column("kind", String(40), nullable=False),
    Column("owner", String(64), nullable=False),  # empty: whoever uses the server
    Column("state", String(16), nullable=False),
    Column("request", JSON, nullable=False),
    Column("result", JSON),
    Column("fault_code", String(64)),
    Column("fault_message", Text),
    Column("stage", String(40)),
    Column("priority", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),  # 1 for the first
    Column("epoch", String(32)),  # the run of the server that works on it
    Column("not_before", Double),  # when a job that is tried again may begin
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("cancel_requested_at", Double),
    Column("deadline_at", Double),  # of the present attempt
    Column("idempotency_key", String(200)),
    Column("request_digest", String(64), nullable=False),
    UniqueConstraint("owner", "idempotency_key", name="one_job_for_each_key"),
    Index("jobs_by_state", "state", "id"),
    Index("jobs_by_owner", "owner", "id"),
)

JOB_EVENTS: Final = Table(
    "job_events",
    METADATA,
    Column("number", _RISING, primary_key=True, autoincrement=True),  # rises over all jobs, and is never used again
    Column("job", String(26), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("data", JSON, nullable=False),
    Column("at", Double, nullable=False),
    Index("job_events_by_job", "job", "number"),
    Index("job_events_by_owner", "owner", "number"),
    sqlite_autoincrement=True,  # else the number of the newest row could be given again after it was deleted
)

USERS: Final = Table(
    "users",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("name_key", String(256), nullable=False),  # the name as it is compared with others
    Column("password_hash", String(256), nullable=False),
    Column("role", String(16), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("last_seen_at", Double),
    UniqueConstraint("name_key", name="one_user_of_each_name"),
)

# The digests below are SHA-256 of secrets of 32 random bytes, which need no slower hash.
SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("last_seen_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("agent", String(200), nullable=False),  # what the browser calls itself
    Index("sessions_by_digest", "digest", unique=True),
    Index("sessions_by_user", "user_id"),
)

API_TOKENS: Final = Table(
    "api_tokens",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),  # none: never
    Column("last_used_at", Double),
    Index("api_tokens_by_digest", "digest", unique=True),
    Index("api_tokens_by_user", "user_id"),
)

INVITATIONS: Final = Table(
    "invitations",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("invited_by", String(32), ForeignKey("users.id", ondelete="CASCADE")),  # none: the owner of the machine
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("invitations_by_digest", "digest", unique=True),
)

BELONGINGS: Final = Table(
    "belongings",
    METADATA,
    Column("kind", String(16), primary_key=True),
    Column("id", String(400), primary_key=True),
    Column("owner", String(64), primary_key=True),  # empty: whoever has the role of the owner
    Index("belongings_by_owner", "owner", "kind"),
)

FEEDBACK: Final = Table(
    "feedback",
    METADATA,
    Column("number", _RISING, primary_key=True, autoincrement=True),
    Column("person", String(64), nullable=False),  # empty: whoever has the role of the owner
    Column("kind", String(16), nullable=False),
    Column("id", String(400), nullable=False),
    Column("pass_number", BigInteger, nullable=False),  # -1: about the whole
    Column("rating", Integer, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("comment", Text),
    Column("about", JSON, nullable=False),  # facts of the subject as they were when it was rated
    Column("at", Double, nullable=False),
    UniqueConstraint("person", "kind", "id", "pass_number", name="one_feedback_for_each"),
    Index("feedback_by_subject", "kind", "id"),
    sqlite_autoincrement=True,  # else an export that goes on page by page could pass over a row
)

JOB_FILES: Final = Table(
    "job_files",
    METADATA,
    Column("job", String(26), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("path", String(100), primary_key=True),  # relative to the folder of the job
    Column("place", Integer, nullable=False),  # among the files of the job
    Column("role", String(40), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 (hex)
)

PEERS: Final = Table(
    "peers",
    METADATA,
    Column("run", String(32), primary_key=True),  # of a server, from its start to its end
    Column("name", String(64), nullable=False),
    Column("beat", BigInteger, nullable=False),  # rises as long as it lives
    Column("max_sessions", Integer, nullable=False),
    Column("sessions", JSON, nullable=False),
    Column("address", String(256)),  # where clients reach it directly
    Column("key", String(64), nullable=False, server_default=""),
    Column("models", JSON, nullable=False, server_default="[]"),  # ids of those in memory
    Column("line", JSON, nullable=False, server_default="[]"),  # who came to play and was received here
    Column("given", BigInteger, nullable=False, server_default="0"),  # rises with each place that is given on it
)
