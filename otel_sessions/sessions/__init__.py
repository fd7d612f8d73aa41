# SPDX-License-Identifier: Apache-2.0
"""The rule of what a session is, and what keeps it: schema, late claims, rebuild, verify, scores."""
