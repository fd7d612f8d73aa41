# SPDX-License-Identifier: Apache-2.0
"""`python -m otel_sessions` is the command `otel-sessions`."""

from otel_sessions.cli import main

main()
