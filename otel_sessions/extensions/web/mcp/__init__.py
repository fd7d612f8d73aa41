# SPDX-License-Identifier: Apache-2.0
"""The sessions as tools of the Model Context Protocol: at `/mcp`, and over the standard streams of `otel-sessions mcp`.

`tools` answers, `catalogue` says what there is, `budget` and `replay` keep answers small; `server` alone, and who loads
it, needs the extra `mcp`.
"""
