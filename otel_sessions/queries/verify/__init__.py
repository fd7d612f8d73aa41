"""Do the sessions say what the stored spans say?"""

from otel_sessions.queries.verify.differences import Difference
from otel_sessions.queries.verify.run import Report, verify

__all__ = ["Difference", "Report", "verify"]
