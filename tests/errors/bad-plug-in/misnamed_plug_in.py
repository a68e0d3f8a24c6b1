"""A plug-in whose name is not shaped like one."""

from metering.ingest.formats.openai_usage import OpenAiUsage


class Acme(OpenAiUsage):
    name = "Acme Usage"
