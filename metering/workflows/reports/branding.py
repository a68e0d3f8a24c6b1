"""Branding: what metering.toml says about the look of reports, read and checked."""

from typing import TYPE_CHECKING

from metering.errors import BookError
from metering.reporting.brand import HOUSE_ACCENT, HOUSE_ACCENT_DARK, Brand, Logo
from metering.reporting.numerals import DEFAULT_LOCALE, numerals_of

if TYPE_CHECKING:
    from pathlib import Path

    from metering.settings import Settings

_LARGEST_LOGO = 512 * 1024


def brand_of(settings: "Settings") -> Brand:
    """Return the company's look, the house's where it says nothing.

    Raises:
        BookError: `bad-settings`: a file cannot be read, or a value is not what it ought to be.
    """
    wanted = settings.report
    if wanted.templates is not None and not wanted.templates.is_dir():
        raise _refused("templates", f"{wanted.templates} is not a folder")
    locale = wanted.locale or DEFAULT_LOCALE
    try:
        numerals = numerals_of(locale)
    except ValueError as error:
        raise _refused("locale", str(error)) from error
    try:
        return Brand(
            organisation=wanted.organisation or "",
            logo=None if wanted.logo is None else _logo(wanted.logo),
            accent=wanted.accent or HOUSE_ACCENT,
            accent_dark=wanted.accent_dark or HOUSE_ACCENT_DARK,
            templates=wanted.templates,
            numerals=numerals,
        )
    except ValueError as error:
        raise _refused("accent", str(error)) from error


def _logo(path: "Path") -> Logo:
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST_LOGO:
            raise _refused("logo", f"{path} is larger than 512 KB")
        return Logo(content)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _refused("logo", f"{path}: {reason}") from error


def _refused(key: str, what: str) -> BookError:
    return BookError(
        "bad-settings",
        f"metering.toml: [report] {key}: {what}",
        do="correct it, or take it out to have the house's look",
    )
