"""A plug-in whose recognition raises."""

from metering.ingest.contract import Sample, Verdict
from metering.ingest.formats.openai_usage import OpenAiUsage


class Acme(OpenAiUsage):
    name = "acme-usage"

    def identify(self, sample: Sample) -> Verdict:
        return Verdict(matches=True, because=sample.lines[1])
