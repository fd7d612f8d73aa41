"""Apache's htpasswd: lines of `name:password`, where the password is hashed, or plain."""

from __future__ import annotations

from otel_sessions.extensions.auth.hashes import Password, password_of


def parse(content: bytes) -> dict[bytes, Password]:
    """The users; empty lines and those after `#` are passed over. ValueError names the line, and repeats none of it."""
    found: dict[bytes, Password] = {}
    for number, line in enumerate(content.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        name, colon, password = text.partition(b":")
        if not name or not colon:
            raise ValueError(f"line {number}: write name:password")
        try:
            found.setdefault(name, password_of(password))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    if not found:
        raise ValueError("has no users")
    return found
