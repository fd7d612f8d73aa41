# SPDX-License-Identifier: Apache-2.0
"""Do the sessions say what the stored spans say?"""

from otel_sessions.sessions.verify.differences import Difference
from otel_sessions.sessions.verify.run import Report, verify

__all__ = ["Difference", "Report", "verify"]
