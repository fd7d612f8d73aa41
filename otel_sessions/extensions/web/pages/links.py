# SPDX-License-Identifier: Apache-2.0
"""Addresses that several parts of a session's page lead to."""

from __future__ import annotations

from typing import Any

from otel_sessions.extensions.web.pages.format import part
from otel_sessions.extensions.web.pages.visit import Visit


def links(visit: Visit) -> dict[str, Any]:
    url = visit.session_url(visit.session_id)
    return {
        "url": url,
        "api": f"{visit.base}/api/v1/sessions/{part(visit.session_id)}",
        "span_link": lambda trace, span: visit.with_query(span=f"{trace}.{span}", fragment=None),
        "text_link": lambda trace, span: visit.with_query(span=f"{trace}.{span}", fragment="text"),
        "close_link": visit.with_query(span=None, fragment=None),
        "raw_link": f"{url}/span?span={visit.get('span')}",
    }
