# SPDX-License-Identifier: Apache-2.0
"""The database: how to reach it, put rows in, bring its schema up to date, and what its errors mean."""
