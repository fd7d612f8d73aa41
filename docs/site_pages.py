"""Pages of the site that are made when it is built, and links out of `docs/`: see `mkdocs.yml`.

`index.md`, `security.md`, `contributing.md` and `changes.md` are files of the repository's top; `reference/` is made of
the typed configuration, with the words of `config.example.yaml`, and of the comments of the tables.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic import BaseModel

from otel_sessions.clickhouse.client import DEFAULT_DATABASE, Endpoint, connect
from otel_sessions.component import GROUPS, ComponentId
from otel_sessions.config.model import ServiceSettings
from otel_sessions.config.plugins import EntryPoints
from otel_sessions.config.typed import keys, model_of
from otel_sessions.sessions import migrations

ROOT = Path(__file__).parent.parent
TOP = {
    "index.md": "README.md",
    "security.md": "SECURITY.md",
    "contributing.md": "CONTRIBUTING.md",
    "changes.md": "CHANGELOG.md",
}
_LINE = re.compile(r"^(?P<indent> *)#?(?P<key>[a-z]\w*(?:/\w+)?):(?P<value>.*?)(?:  # (?P<comment>.*))?$")
_LINK = re.compile(r"(?P<before>\]\(|srcset=\"|src=\")(?P<target>[^)#:\"]+)(?P<after>#[^)\"]*)?(?P<end>\)|\")")
_OUT = re.compile(r"\[(?P<text>[^\]\n]+)\]\((?P<target>\.\./[^)#:]+)(?P<after>#[^)]*)?\)")
_COLUMNS = """
SELECT t.name, t.comment, c.name, c.type, c.comment FROM system.columns AS c
INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
WHERE c.database = {database:String} AND t.name NOT LIKE '\\\\_%' ORDER BY t.name, c.position
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for page, source in TOP.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_from_top(text)))
    files.append(File.generated(config, "reference/configuration.md", content="\n".join(configuration())))
    files.append(File.generated(config, "reference/sql.md", content="\n".join(tables())))
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Links to what is not of the site lose their target: the path stays, to be looked up in the repository."""
    if page.file.src_uri.startswith("reference/"):
        return markdown

    return _OUT.sub(_outside, markdown)


def _outside(link: re.Match[str]) -> str:
    target = link["target"].removeprefix("../")
    inside = {source: page for page, source in TOP.items()}.get(target)
    return f"[{link['text']}]({inside}{link['after'] or ''})" if inside else f"{link['text']} (`{target}`)"


def _from_top(text: str) -> str:
    """A file of the repository's top as a page: what it links to in `docs/` is beside it."""

    def moved(link: re.Match[str]) -> str:
        target = link["target"]
        target = target.removeprefix("docs/") if target.startswith("docs/") else f"../{target}"
        return f"{link['before']}{target}{link['after'] or ''}{link['end']}"

    return _LINK.sub(moved, text)


def configuration() -> Iterator[str]:
    """The page of every key."""
    comments = example_comments()
    yield "# Every key of the configuration\n"
    yield "Made of the typed configuration; the words are those of `config.example.yaml`. How files, `--set` and the"
    yield "environment come together stands in [configuration](../configuration.md).\n"
    registry = EntryPoints()
    for kind in GROUPS:
        yield f"## {kind}\n"
        for type_ in registry.types(kind):
            factory = registry.factory(kind, type_, type_)
            if not factory.replaced_by:
                yield f"### `{type_}`\n\n{factory.summary}\n"
                yield from _table(factory.config, (kind, type_), comments)
    yield "## service\n"
    yield from _table(ServiceSettings, ("service",), comments)


def _table(model: type[BaseModel], path: tuple[str, ...], comments: dict[tuple[str, ...], str]) -> Iterator[str]:
    rows = list(_rows(model, path, comments, len(path)))
    if rows:
        yield "| key | default | meaning |\n|---|---|---|"
        yield from rows
    yield ""


def _rows(
    model: type[BaseModel], path: tuple[str, ...], comments: dict[tuple[str, ...], str], own: int
) -> Iterator[str]:
    for key, field in keys(model).items():
        place = (*path, key)
        below = model_of(field.annotation)
        default = (
            "" if field.is_required() or below is not None else _text(field.get_default(call_default_factory=True))
        )
        yield f"| `{'.'.join(place[own:])}` | {default} | {_told(place, below, comments)} |"
        if below is not None:
            yield from _rows(below, place, comments, own)


def _told(place: tuple[str, ...], below: type[BaseModel] | None, comments: dict[tuple[str, ...], str]) -> str:
    """What is said of a key; of settings that several components share, it is said of one of them."""
    alike = (lambda other: other[-2:] == place[-2:], lambda other: (other[0], other[-1]) == (place[0], place[-1]))
    said = comments.get(place) or next(
        (text for is_alike in alike for other, text in comments.items() if text and is_alike(other)), ""
    )
    if not said and below is not None:
        said = (below.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
    return " ".join(said.split()).replace("|", "\\|")


def _text(default: object) -> str:
    """A default as it stands in YAML; a long list only says how long it is."""
    if default is None or default == "":
        return ""
    if isinstance(default, list | tuple) and len(default) > 4:
        return f"{len(default)} of them"
    text = str(list(default)) if isinstance(default, tuple) else str(default)
    return f"`{text}`" if len(text) < 80 else "see the example"


def example_comments() -> dict[tuple[str, ...], str]:
    """What `config.example.yaml` says of each key: beside it, else above it or above the keys it stands among.

    Names of components are left out.
    """
    found: dict[tuple[str, ...], str] = {}
    stack: list[tuple[int, str]] = []
    above: list[str] = []
    of_group: dict[tuple[str, ...], str] = {}
    for line in (ROOT / "config.example.yaml").read_text(encoding="utf-8").splitlines():
        match = _LINE.match(line)
        if match is None:
            said = line.strip()
            above = [*above, said.removeprefix("# ")] if said.startswith("# ") else []
            continue
        indent = len(match["indent"])
        stack = [each for each in stack if each[0] < indent]
        key = match["key"]
        stack.append((indent, ComponentId.parse(key).type if len(stack) == 1 else key))
        place = tuple(name for _, name in stack)
        if above:
            of_group[place[:-1]] = " ".join(above)
            above = []
        found.setdefault(place, match["comment"] or of_group.get(place[:-1], ""))
    return found


def tables() -> Iterator[str]:
    """The page of every column that users read, by the comments that ClickHouse has of them."""
    yield "# Every table and column\n"
    yield "Made of the comments that ClickHouse itself has (`DESCRIBE sessions`). What they mean together stands in"
    yield "[tables and views](../sql.md).\n"
    with tempfile.TemporaryDirectory() as directory:
        client = connect(Endpoint.parse(f"chdb://{directory}/data"))
        try:
            migrations.apply(client, DEFAULT_DATABASE)
            rows = client.query(_COLUMNS, parameters={"database": DEFAULT_DATABASE}).result_rows
        finally:
            client.close()
    last = ""
    for table, about, column, type_, comment in rows:
        if table != last:
            yield f"\n## `{table}`\n\n{about}\n\n| column | type | what |\n|---|---|---|"
        last = table
        yield f"| `{column}` | `{type_.replace('|', '')}` | {comment.replace('|', '')} |"
