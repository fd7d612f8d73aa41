# SPDX-License-Identifier: Apache-2.0
"""The operations under `/api/v1`: each module has those of one kind of thing, `routes` has them all."""
