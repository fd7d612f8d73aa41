# SPDX-License-Identifier: Apache-2.0
"""What stands between a pipeline and its exporters: queues, retries, bisection, the write-ahead log."""
