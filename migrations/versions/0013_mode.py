"""An index of the registries and roles that ecrkeeper does not enforce.

Contract: the program of the release before this one must work on the schema that this migration leaves behind. The
database keeps the index itself, whoever writes the spec.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_MODE = {
    "sqlite": "json_extract(spec, '$.mode')",
    # As text: Postgres reads no JSON with the character NUL in it.
    "postgresql": """split_part(split_part(replace(spec, ' ', ''), '"mode":"', 2), '"', 1)""",
}


def upgrade() -> None:
    mode = _MODE[op.get_bind().dialect.name]
    unusual = sa.text(f"{mode} NOT IN ('ENFORCE', '')")
    op.create_index(
        "resources_mode",
        "resources",
        ["kind", sa.text(f"({mode})"), "name"],
        postgresql_where=unusual,
        sqlite_where=unusual,
    )
