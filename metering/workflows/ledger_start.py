"""Start a ledger in a folder: settings, books with prices, and example rules to fill in."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import BookError
from metering.settings import FILE_NAME, load_settings
from metering.workflows.books_upgrade import bring_up
from metering.workflows.ownership.people import create_key

if TYPE_CHECKING:
    from metering.workflows.runs import Run

_SETTINGS: Final = """\
# The settings of this ledger. Commands find them from any folder below this one.
# METERING_BOOKS_URL, METERING_USAGE_LOCATION, METERING_ENGINE_MEMORY_LIMIT and
# METERING_ENGINE_THREADS in the environment stand over what is said here.

[books]
# A file, or for a team: "postgresql://user@host/metering" (pip install "metering[postgres]").
url = "sqlite:///books.sqlite"
# Of the reports, ISO 4217.
currency = "USD"

[usage]
# The folder of the usage records. Back it up together with the books.
location = "lake"

[engine]
# What reading and rolling up may take; larger inputs spill to disk.
memory_limit = "1GB"
# 0 means one per core.
threads = 0
# Usage that one machine cannot roll up: on a company's own Spark, which reads the lake under the
# same path (pip install "metering[spark]").
# kind = "spark"
# spark = "spark://host:7077"

[rules]
file = "rules.toml"

# [accounts]
# The billing account of files that do not name one, by ingestor.
# openai-usage = "org-acme"

# [outcomes.windows]
# Days after usage within which an outcome answers for it, by project; without, 7 for tickets and
# deploys, 14 for pull requests, 21 for content and legal work, 75 for research.
# forecasting = 75
#
# [outcomes.keys]
# Where usage carries the keys of outcomes, besides workflow_key; this is so unless said otherwise.
# branch = "tag:branch"
# ticket = "tag:ticket"
#
# [outcomes.units]
# What one outcome of a kind counts in the work unit of `metering outcomes funnel`; 1 if not said.
# ticket = 0.2
#
# [outcomes.values]
# What finance says that one settled outcome of a kind is worth.
# ticket = "EUR 12.50"
#
# [outcomes.review]
# What people's review of one outcome of a kind costs; [outcomes.rework] what it costs to do one
# again that was taken back. Both stand beside usage and seats in `metering outcomes costs`.
# pull_request = "EUR 9.00"
#
# [findings]
# The fields of usage that name a pipeline, an agent or a feature; the first that says something
# tells. Each that goes on being used is compared with its own past, beside its project.
# workflows = ["workflow_key", "tag:job"]
# How many findings a reviewer reads, and how much money is worth it: USD, and share of all spend.
# budget = 20
# least_usd = 100
# least_share = 0.005
#
# [economics]
# What `metering economics` cannot know by itself; core/findings/economics_rules.py has all of it.
# frontier = ["claude-opus-*"]
# seat = "USD 39.00"
# [economics.explorations."growth/pitch-bot"]
# cap = "USD 5000"
# review = 2026-12-01
#
# [outcomes.systems.jira]
# How a system of tickets (jira, servicenow) is set up: the zone of times without one, how it writes
# 3/4/2026, and resolutions by which work was done or not, beside the usual ones.
# zone = "Europe/Berlin"
# dates = "day-first"
# done = ["Delivered"]
# dropped = ["Parked"]

# [people]
# People are shown by pseudonyms; their key lies outside of this folder and is yours to back up.
# key_file = "~/.config/metering/people.key"
# The accounts that may ask whom one stands for: metering owners reveal.
# reveal_by = ["alice"]
# After so many days usage no longer says whose it was: `metering owners forget`, and every night.
# keep_days = 400
# Of fewer people than this nothing is shown: 5, or more; 10 where line managers read along.
# fewest = 10
# What the columns of an HR export are called.
# columns = { person = "Employee ID", team = "Department", logins = "E-mail" }

# [pull.openai]
# What `metering pull` and `metering nightly` ask providers for; a section for each. The key is in
# the environment variable that key_from names, OPENAI_ADMIN_KEY if it does not say.
# key_from = "OPENAI_ADMIN_KEY"
# days = 35

# [roles]
# "detail" makes a metered source only divide what another one meters; "metered" charges what a
# detail source counts, where nothing better exists, and every report says so.
# litellm-spend-logs = "detail"

# [exports]
# Formats of which each workspace, project, subscription or account is exported by itself: those of
# a night count together, as one export of all.
# together = ["azure-cost-details"]
# Formats whose exports are taken in in the order they were made in: of two, the one that is taken
# in later is in force.
# in_order = ["aws-cur"]

# [detail]
# Which metered usage of the same account a detail source divides among the owners it knows, within
# one day, model and meter: fields and patterns as in rules.toml; {} is all of it. Of several that
# match the first divides. What it does not cover stays with the owner of the metered usage.
# claude-code-transcripts = { api_key = "glob:claude-code-*" }
"""

_RULES: Final = """\
# Who pays for what. The first rule that matches wins; after the last one the owners file is asked
# by API key, then by principal, then by workspace. What nobody claims goes to
# suspense:unattributed. `metering owners import` brings this file and owners.csv into the books,
# `metering owners check` says what is wrong with them.
#
# A value is compared as a whole: exact text, "glob:ci-*" or "re2:proj_(ab|cd)". Fields are
# provider, platform, billing_account, product, model_raw, api_key, workspace, principal,
# workflow_key, the conditions of a price (service_tier, region …), and any tag as "tag:NAME".
# `from` and `to` are days, half-open, and may be left out.
#
# [[rule]]
# name = "continuous integration"
# match = { api_key = "glob:ci-*" }
# assign = { cost_centre = "CC-100", team = "platform", project = "build" }
# from = 2026-01-01
#
# [[rule]]
# name = "the gateway tells the key"
# match = { product = "api" }
# assign = { owner_of = "tag:key_alias" }
"""

# A CSV has no comments; the rules file beside it says how it is used.
_OWNERS: Final = "key,person,team,project,cost_centre,valid_from,valid_to\n"


@dataclass(frozen=True, slots=True)
class Started:
    """A ledger that was started.

    Attributes:
        folder: where it is.
        written: the files that were made, by name.
        kept: the files that were there already and stay as they are.
        cards: the rate cards in force, as "name vN".
        people_key: the key of people's pseudonyms, outside of the folder, where it was made now;
            None where one was there already, or none could be written.
    """

    folder: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]
    cards: tuple[str, ...]
    people_key: Path | None = None


def start_ledger(folder: Path, run: "Run") -> Started:
    """Make a ledger in a folder: settings, books with the bundled rate cards, example rules.

    The settings are written last: until they are there, the folder is no ledger, and starting it
    again finishes what was interrupted.

    Args:
        folder: made if it is not there.
        run: who does this, when.

    Raises:
        BookError: `already-a-ledger`; nothing is changed. `storage-failed`: the folder cannot be
            written.
    """
    target = folder / FILE_NAME
    if target.exists():
        raise BookError(
            "already-a-ledger",
            f"{target} is there already",
            do="name another folder, or bring its books up to date: metering db upgrade",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = _draft(folder, _SETTINGS)
    except OSError as error:
        raise BookError(
            "storage-failed",
            f"{folder} cannot be written: {error.strerror}",
            do="name a folder that you may write in",
        ) from error
    try:
        settings = load_settings(draft)
        cards = bring_up(settings, run, seed_always=True)[1]
        examples = {settings.rules_file: _RULES, folder / "owners.csv": _OWNERS}
        written = {path.name: _write_new(path, text) for path, text in examples.items()}
        people_key = create_key(settings)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return Started(
        folder=folder,
        written=(FILE_NAME, *(name for name, new in written.items() if new)),
        kept=tuple(name for name, new in written.items() if not new),
        cards=cards,
        people_key=people_key,
    )


def _draft(folder: Path, text: str) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    path = Path(name)
    path.chmod(0o644)
    return path


def _write_new(path: Path, text: str) -> bool:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True
