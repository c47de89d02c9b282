"""${message}

Contract: the program of the release before this one must work on the schema
that this migration leaves behind: replicas are replaced one by one, after it.

- Allowed: a new table; a new column that is nullable or has a server default;
  a new index; a default. Programs name the columns that they read and write,
  so an older one does not see what is new, and leaves new columns of its rows
  at their default. Say here why that is harmless.
- In a later release, when no replica is left that uses it: removing a column,
  a table or an index; NOT NULL or a constraint on what is there.
- Never: renaming, or a column that changes its meaning. Add one and fill both.
- Quick, because writes wait for it: no rewriting of a large table. A lock that
  is not had within ten seconds ends the migration, whole, to be run again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
