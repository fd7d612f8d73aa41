# SPDX-License-Identifier: Apache-2.0
"""The extensions that know clients: `bearertokenauth` and `basicauth`, by the names and keys of the Collector's."""
