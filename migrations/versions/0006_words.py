"""The words of 0.2.0 in what is stored: unmanaged elements, remediation, and renamed reasons.

Contract: stop the servers of 0.1.0 before this migration, since they do not know
these words. Later migrations keep to the rule that the program of the release
before works on the schema. Audit events keep their words, and are mapped when they are read.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Table, column, the JSON text before and after. Texts are written without white space, so each is matched exactly.
_REASONS = {
    "AWS_REFUSED": "AWS_REJECTED",
    "FOREIGN_ELEMENTS_IN_THE_WAY": "UNMANAGED_ELEMENTS_EXCEED_QUOTA",
    "REGISTRY_POLICY_REFUSED": "REGISTRY_POLICY_REJECTED",
    "STEP_TIMEOUT": "RECONCILE_TIMEOUT",
}
RENAMED = (
    ("resources", "spec", '"foreign_elements":', '"unmanaged_elements":'),
    ("resources", "state", '"mend":', '"remediation":'),
    ("operations", "metadata", '"phase":"REFUSED"', '"phase":"REJECTED"'),
    *(
        (table, column, f'"reason":"{before}"', f'"reason":"{after}"')
        for table, column in (("resources", "state"), ("operations", "error"))
        for before, after in _REASONS.items()
    ),
    *(("resources", "unready", before, after) for before, after in _REASONS.items()),
)


def upgrade() -> None:
    for name, column, before, after in RENAMED:
        text = sa.column(column, sa.Text)
        renamed = {text: sa.func.replace(text, before, after)}
        op.execute(sa.update(sa.table(name, text)).values(renamed).where(text.contains(before, autoescape=True)))
