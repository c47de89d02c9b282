"""The key that authenticates page tokens.

Contract: the program of the release before this one must work on the schema
that this migration leaves behind; it does not read the table. The key is made
here, so that a list never writes; a server makes another one if the row is gone.
"""

from __future__ import annotations

import secrets
import time

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    keys = op.create_table(
        "page_token_keys",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(keys, [{"id": 1, "key": secrets.token_hex(32), "create_time": time.time_ns() // 1000}])
