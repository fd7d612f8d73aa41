# SPDX-License-Identifier: Apache-2.0
"""Request bodies of ClickHouse's HTTP interface: which there may be, its words for what is wrong, and its forms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from otel_sessions.errors import InvalidData, QueryError, Retryable, TooLarge
from otel_sessions.extensions.clickhouse_http.config import Config
from otel_sessions.footprint import RECEIVED_BYTES
from otel_sessions.http.body import Bodies, BrokenBody, SlowBody, UnsupportedMediaType

_READ_BODIES: Final = 4
"""Of the largest size, that are held at a time; they are while their statements wait and run."""
_MAX_FIELDS: Final = 1_000


def bodies_of(config: Config) -> dict[bool, Bodies]:
    """Readers of bodies: under False for everybody, under True for the owner, with room of its own for one that is as
    large as what is received of spans, or as inserts may be.
    """
    read, most = config.max_body, config.max_request_body_size
    owners = min(most, RECEIVED_BYTES) if config.read_only else most
    more = {"lz4": _lz4}
    return {
        False: Bodies(read, _READ_BODIES * read, more=more),
        True: Bodies(owners, owners, more=more),
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
    """The text fields of multipart/form-data.

    Raises `QueryError` for a file, which would be an external table, for over 1,000 fields, and for what is no form.
    """
    form = _Form()
    try:
        parser = MultipartParser(parse_options_header(content_type)[1].get(b"boundary", b""), form.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise QueryError(f"Code: 36. DB::Exception: The form cannot be read: {error}. (BAD_ARGUMENTS)") from error
    return {name: content.decode("utf-8", "replace") for name, content in form.fields.items()}


class _Form:
    """What the parser has found so far."""

    def __init__(self) -> None:
        self.fields: dict[str, bytearray] = {}
        self._header, self._value = bytearray(), bytearray()
        self._field = bytearray()
        self._parts = 0

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._field.extend(data[start:end]),
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MAX_FIELDS:
            raise _unsupported_error(f"A form of over {_MAX_FIELDS} fields is not")
        self._field = bytearray()

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            if b"filename" in options:
                raise _unsupported_error("External tables are not")
            self.fields[options.get(b"name", b"").decode("utf-8", "replace")] = self._field
        self._header, self._value = bytearray(), bytearray()


def _unsupported_error(what: str) -> QueryError:
    return QueryError(f"Code: 48. DB::Exception: {what} supported here. (NOT_IMPLEMENTED)")
