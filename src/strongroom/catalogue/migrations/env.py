"""How Alembic's own command finds a catalogue, for who writes a migration:

    STRONGROOM_CATALOGUE=postgresql://… alembic -c src/strongroom/catalogue/migrations/alembic.ini revision --autogenerate -m "…"

Without STRONGROOM_CATALOGUE it is that of STRONGROOM_HOME. Strongroom itself does not come through here (migrate.py).
"""

from __future__ import annotations

import os
from pathlib import Path

from alembic import context

from strongroom.catalogue.migrate import engine
from strongroom.catalogue.tables import METADATA
from strongroom.database.postgres.place import from_environment

if __name__ == "env_py":  # as Alembic calls it
    home = Path(os.environ.get("STRONGROOM_HOME", ".")).absolute()
    with engine(from_environment(home) or home / "catalogue.sqlite").connect() as connection:
        context.configure(connection, target_metadata=METADATA, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
