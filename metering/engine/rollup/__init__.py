"""The one heavy statement: usage records to day cells, on the engine at hand or on Spark."""
