# SPDX-License-Identifier: Apache-2.0
"""What a foreign statement may be: one SELECT or the like, that reads what it may read."""
