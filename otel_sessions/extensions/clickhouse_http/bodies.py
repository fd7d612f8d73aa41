"""Request bodies of ClickHouse's HTTP interface: which there may be, its words for what is wrong, and its forms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final

from otel_sessions.errors import InvalidData, QueryError, Retryable, TooLarge
from otel_sessions.extensions.clickhouse_http.config import Config
from otel_sessions.http.body import Bodies, BrokenBody, SlowBody, UnsupportedMediaType

_READ_BODIES: Final = 16
_OWNERS_BODIES: Final = 4
_MAX_FORM_LINES: Final = 100_000
_MAX_FORM_PARTS: Final = 1_000


def bodies_of(config: Config) -> dict[bool, Bodies]:
    """For everybody, and under True for the owner, who may send more and whom nobody keeps out."""
    read, most = config.max_body, config.max_request_body_size
    more = {"lz4": _lz4}
    return {
        False: Bodies(read, _READ_BODIES * read, more=more),
        True: Bodies(most, _OWNERS_BODIES * most, more=more),
    }


def _lz4() -> Any:
    # clickhouse-connect brings it, for older Pythons only
    from lz4.frame import LZ4FrameDecompressor  # type: ignore[import-untyped] # noqa: PLC0415

    return LZ4FrameDecompressor()


@contextmanager
def in_clickhouse_words() -> Iterator[None]:
    """What is wrong with a body becomes a `QueryError` with ClickHouse's code for it, which decides the answer."""
    try:
        yield
    except TooLarge as error:
        raise QueryError(f"Code: 307. DB::Exception: {error}. (TOO_MANY_BYTES)") from error
    except UnsupportedMediaType as error:
        raise QueryError(f"Code: 48. DB::Exception: Unknown compression method: {error}. (NOT_IMPLEMENTED)") from error
    except BrokenBody as error:
        raise QueryError(f"Code: 354. DB::Exception: {error}. (ZLIB_INFLATE_FAILED)") from error
    except SlowBody as error:
        raise QueryError(f"Code: 159. DB::Exception: {error}. (TIMEOUT_EXCEEDED)") from error
    except Retryable as error:
        raise QueryError(f"Code: 202. DB::Exception: {error}. (TOO_MANY_SIMULTANEOUS_QUERIES)") from error
    except InvalidData as error:
        raise QueryError(f"Code: 36. DB::Exception: {error}. (BAD_ARGUMENTS)") from error


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """The text fields of multipart/form-data. Raises `QueryError` for a file: that would be an external table."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            raise QueryError("Code: 48. DB::Exception: External tables are not supported here. (NOT_IMPLEMENTED)")
        payload = part.get_payload(decode=True)
        fields[str(name)] = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return fields
