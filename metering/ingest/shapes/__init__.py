"""The shapes that exports come in: pages, tables, buckets, counters, telemetry."""
