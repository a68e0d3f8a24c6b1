"""${message}."""

from typing import Final

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision: Final = ${repr(up_revision)}
down_revision: Final = ${repr(down_revision)}
branch_labels: Final = ${repr(branch_labels)}
depends_on: Final = ${repr(depends_on)}

# A revision is history: it imports nothing of metering and is never edited after a release.
# A new table is STRICT, gets its constraints named, and the triggers that keep its rows; a table
# that is rebuilt on SQLite loses its triggers, and gets them anew.


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
