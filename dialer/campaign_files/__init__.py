"""Reads campaign files from disk, and says of everything that is wrong in them where it is and how to mend it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from dialer.campaign_files.complaints import CAMPAIGN_FILE, explain, json_schema
from dialer.core.campaign import Campaign, version
from dialer.core.campaign_check import campaign_flaws
from dialer.documents.source import LARGEST_FILE, Source
from dialer.errors import CampaignFileError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = [
    "LARGEST_FILE",
    "MORE",
    "LoadedCampaign",
    "check_files",
    "files_in",
    "json_schema",
    "load",
    "load_files",
    "load_folder",
    "parse",
]

MORE: Final = "more may be found when these are mended"
"""The note of a CampaignFileError whose keys do not read well, so that nobody could look at the campaign as a whole."""

Sectors = Collection[str] | None
"""The lines of business that rules speak of; None where no rules are at hand."""


@dataclass(frozen=True, slots=True)
class LoadedCampaign:
    """A campaign file that was read and found sound."""

    campaign: Campaign
    version: str
    document: dict[str, Any]  # as the file says it, for the database
    path: Path


def load(path: Path, special_days: Collection[str] = (), sectors: Sectors = None) -> LoadedCampaign:
    """Read one campaign file. CampaignFileError names everything that is wrong with it.

    `special_days` are the names of the days that a campaign may hang on, here and below; any other is an error. So is
    a sector that is not in `sectors`, those that rules speak of; None where no rules are at hand to compare with.
    """
    source = Source(str(path), CAMPAIGN_FILE)
    document = source.read(path)
    return LoadedCampaign(_campaign(document, source, special_days, sectors), version(document), document, path)


def load_folder(path: Path, special_days: Collection[str] = (), sectors: Sectors = None) -> list[LoadedCampaign]:
    """Read every campaign file of a folder, by name. CampaignFileError names the problems of all files together."""
    return load_files(files_in(path), special_days, sectors)


def load_files(
    paths: Sequence[Path], special_days: Collection[str] = (), sectors: Sectors = None
) -> list[LoadedCampaign]:
    """Read several campaign files, all or none. CampaignFileError names the problems of all files together."""
    found = check_files(paths, special_days, sectors)
    errors = [one for one in found.values() if isinstance(one, CampaignFileError)]
    if errors:
        raise CampaignFileError([problem for error in errors for problem in error.problems])
    return [one for one in found.values() if isinstance(one, LoadedCampaign)]


def check_files(
    paths: Sequence[Path], special_days: Collection[str] = (), sectors: Sectors = None
) -> dict[Path, LoadedCampaign | CampaignFileError]:
    """Each file's campaign, or what is wrong with it. Of two files with the same campaign, the second is wrong."""
    found: dict[Path, LoadedCampaign | CampaignFileError] = {}
    first: dict[str, Path] = {}
    for path in paths:
        try:
            loaded = load(path, special_days, sectors)
        except CampaignFileError as error:
            found[path] = error
            continue
        name = loaded.campaign.id
        if first.setdefault(name, path) == path:
            found[path] = loaded
        else:
            what = f"'{name}' is the campaign of {first[name]} already"
            problem = Problem(f"{path} campaign", what, "give each file a campaign name of its own")
            found[path] = CampaignFileError([problem])
    return found


def files_in(folder: Path) -> list[Path]:
    """The campaign files of a folder, by name. CampaignFileError when there are none."""
    files = sorted(file for file in folder.glob("*.y*ml") if file.suffix in {".yaml", ".yml"})
    if not files:
        mend = "put a campaign file (NAME.yaml) there, or name another folder"
        raise CampaignFileError([Problem(str(folder), "no campaign files here", mend)])
    return files


def parse(document: Mapping[str, Any], special_days: Collection[str] = (), sectors: Sectors = None) -> Campaign:
    """The campaign of a document that was read before, such as one from the database. Raises CampaignFileError."""
    return _campaign(document, Source("document", CAMPAIGN_FILE), special_days, sectors)


def _campaign(document: Mapping[str, Any], source: Source, special_days: Collection[str], sectors: Sectors) -> Campaign:
    notes = []
    try:
        campaign = Campaign.model_validate(document)
    except ValidationError as error:
        flaws = [explain(detail, source) for detail in error.errors()]
        notes.append(MORE)
    else:
        found = campaign_flaws(campaign, special_days, sectors)
        flaws = [replace(flaw, path=source.written(flaw.path)) for flaw in found]
        if not flaws:
            return campaign
    flaws.sort(key=lambda flaw: source.line(flaw.path))
    wrong = CampaignFileError([Problem(source.where(flaw.path), flaw.what, flaw.mend) for flaw in flaws])
    for note in notes:
        wrong.add_note(note)
    raise wrong
