"""The rule of what a session is, and what keeps it: schema, late claims, rebuild, verify, scores."""
