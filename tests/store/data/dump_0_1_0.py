"""Write the dumps of a 0.1.0 database.

Usage: `python -m tests.store.data.dump_0_1_0`.

The schema is that of migration 0004, the newest one of that release; the rows are those of
`rows_0_1_0`. The dumps are committed and never change, even if migrations do.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import tempfile
from pathlib import Path

from ecrkeeper_server.store import schema
from sqlalchemy import Engine, MetaData, create_engine

from tests import postgres
from tests.store.data.rows_0_1_0 import rows

FOLDER = Path(__file__).parent
NEWEST = "0004"
# Comments name the version of Postgres; settings and psql's commands are not needed.
_LEFT_OUT = re.compile(r"--|\\|SET |SELECT pg_catalog\.set_config")


def load(url: str) -> None:
    """Load the dump into an empty database."""
    if schema.is_sqlite(url):
        conn = sqlite3.connect(url.removeprefix("sqlite:///"))
        conn.executescript((FOLDER / "0.1.0.sqlite.sql").read_text())
        conn.close()
        return
    command = [str(postgres.program("psql")), "-q", "-v", "ON_ERROR_STOP=1", "-f", str(FOLDER / "0.1.0.postgres.sql")]
    subprocess.run([*command, url], check=True, timeout=60, stdout=subprocess.DEVNULL)


def _fill(engine: Engine) -> None:
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as conn:
        for name, values in rows().items():
            conn.execute(tables.tables[name].insert(), values)
    engine.dispose()


def _sqlite(folder: Path) -> str:
    path = folder / "ecrkeeper.db"
    schema.migrate(f"sqlite:///{path}", NEWEST)
    _fill(create_engine(f"sqlite:///{path}"))
    conn = sqlite3.connect(path)
    lines = "\n".join(conn.iterdump())
    conn.close()
    return lines + "\n"


def _postgres() -> str:
    with postgres.running() as cluster:
        url = cluster.create_database("release")
        schema.migrate(url, NEWEST)
        _fill(create_engine(url.replace("postgresql://", "postgresql+psycopg://")))
        command = [str(postgres.program("pg_dump")), "--inserts", "--no-owner", url]
        dump = subprocess.run(command, check=True, timeout=60, stdout=subprocess.PIPE, text=True).stdout
    kept = [line for line in dump.splitlines() if line and _LEFT_OUT.match(line) is None]
    return "\n".join(kept) + "\n"


def main() -> None:
    """Write both dumps."""
    with tempfile.TemporaryDirectory() as folder:
        (FOLDER / "0.1.0.sqlite.sql").write_text(_sqlite(Path(folder)))
    (FOLDER / "0.1.0.postgres.sql").write_text(_postgres())


if __name__ == "__main__":
    main()
