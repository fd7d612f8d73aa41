"""Minutes without ClickHouse, at a steady rate of arrival: `python -m benchmarks.outage --help`."""
