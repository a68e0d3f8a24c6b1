"""Run the command line as `python -m metering`."""

from metering.cli.main import main

main(prog_name="metering")
