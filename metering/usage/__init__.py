"""The usage lake: immutable Parquet files, one partition a day."""
