"""All tables, as they are. Until Strongroom is released they change in place, and with them the name of this revision; the first
migration that follows freezes both: the statements into this file, the name as it is then."""

from __future__ import annotations

from typing import Final

from alembic import op

from strongroom.catalogue.schema import REVISION
from strongroom.catalogue.tables import METADATA

revision: Final = REVISION
down_revision: Final = None


def upgrade() -> None:
    METADATA.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    METADATA.drop_all(op.get_bind())
