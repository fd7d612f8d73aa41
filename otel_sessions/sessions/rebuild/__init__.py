# SPDX-License-Identifier: Apache-2.0
"""Makes the tables behind the sessions anew from `otel_traces`, while spans come in.

`everything` builds them side by side and then puts them in the place of the old ones, which stay in force until then;
`period` and `session` correct the traces of which the figures are not right, and take nothing away.
"""

from otel_sessions.sessions.rebuild.run import everything, period, session

__all__ = ["everything", "period", "session"]
