"""Makes the tables behind the sessions anew from `otel_traces`, while spans come in.

`everything` builds them side by side and then puts them in the place of the old ones, which stay in force until then;
`period` adds what is missing, and takes nothing away.
"""

from otel_sessions.sessions.rebuild.run import everything, period

__all__ = ["everything", "period"]
