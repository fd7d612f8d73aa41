"""A service that is killed again and again under load, and what must be in ClickHouse afterwards.

`python -m tests.soak --help`; `tests/integration/test_soak.py` runs a few rounds of it.
"""
