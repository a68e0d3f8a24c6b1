"""One study: every test over all objects of the panel at once, for cases to be read from."""

from dataclasses import dataclass

from metering.analysis.anonymity import FEWEST_PEOPLE
from metering.analysis.evidence.excess import Excess, find_excess
from metering.analysis.evidence.silence import Silences, find_silences
from metering.analysis.findings.readings import Readings
from metering.analysis.findings.stakes import Stakes, weigh
from metering.analysis.observed.masks import EventMasks, masks_of
from metering.analysis.observed.panel import Frames, Panel, panel_of


@dataclass(frozen=True)
class Study:
    """Everything that cases are read from.

    Attributes:
        panel: the input.
        masks: what is known of the calendar.
        test: the main test.
        stakes: what it weighs, per object.
        silences: objects without outcomes.
        readings: the other detectors.
        data_hash: SHA-256 of the frames.
        fewest_people: of fewer nothing is told (k).
    """

    panel: Panel
    masks: EventMasks
    test: Excess
    stakes: Stakes
    silences: Silences
    readings: Readings
    data_hash: str
    fewest_people: int


def study_of(frames: Frames, data_hash: str, fewest_people: int = FEWEST_PEOPLE) -> Study:
    """Run the tests over all objects at once."""
    panel = panel_of(frames)
    masks = masks_of(panel)
    test = find_excess(panel, masks)
    silences = find_silences(panel, test.answered, test.per_event, masks)
    stakes = weigh(panel, test)
    readings = Readings(panel, test, fewest_people)
    return Study(panel, masks, test, stakes, silences, readings, data_hash, fewest_people)
