# SPDX-License-Identifier: Apache-2.0
"""The in-app half: sessions on spans, observed functions, and what sends them. Imported lazily by `otel_sessions`."""
