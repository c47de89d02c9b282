"""The words of 0.2.0 in stored values.

They are unmanaged elements, remediation, and renamed reasons.

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

_REASONS = {
    "AWS_REFUSED": "AWS_REJECTED",
    "FOREIGN_ELEMENTS_IN_THE_WAY": "UNMANAGED_ELEMENTS_EXCEED_QUOTA",
    "REGISTRY_POLICY_REFUSED": "REGISTRY_POLICY_REJECTED",
    "STEP_TIMEOUT": "RECONCILE_TIMEOUT",
}
# JSON is written without white space and with sorted keys, so texts are matched exactly. Tags of roles have keys and
# texts that callers choose: each text here is one that no tag can have, or is replaced in registries only.
_REASONS_IN_STATE = ('],"reason":"{}"', '"reason":"{}","since":1')
# Table, column, kind of resource or None, the text before and after.
RENAMED = (
    ("resources", "spec", "registry", '"foreign_elements":', '"unmanaged_elements":'),
    ("resources", "state", None, '"mend":{"drift":', '"remediation":{"drift":'),
    ("operations", "metadata", None, '"phase":"REFUSED"', '"phase":"REJECTED"'),
    *(
        ("resources", "state", None, shape.format(before), shape.format(after))
        for shape in _REASONS_IN_STATE
        for before, after in _REASONS.items()
    ),
    *(
        (table, column, kind, f'"reason":"{before}"', f'"reason":"{after}"')
        for table, column, kind in (("resources", "state", "registry"), ("operations", "error", None))
        for before, after in _REASONS.items()
    ),
    *(("resources", "unready", None, before, after) for before, after in _REASONS.items()),
)


def upgrade() -> None:
    for name, column, kind, before, after in RENAMED:
        text = sa.column(column, sa.Text)
        change = sa.update(sa.table(name, text)).values({text: sa.func.replace(text, before, after)})
        change = change.where(text.contains(before, autoescape=True))
        op.execute(change if kind is None else change.where(sa.column("kind", sa.Text) == kind))
