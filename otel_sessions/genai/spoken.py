"""What messages flattened into attributes say: the text of the last one of the user, or of the model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.families import ROLE, TEXT, TOOL_ARGUMENTS, Pieces
from otel_sessions.genai.previews import message_texts
from otel_sessions.pdata.attributes import Mask


def last_said(pieces: Pieces, roles: frozenset[str], rows: int) -> tuple[Mask, pa.StringArray]:
    """Of each row that has any: the text of the last message of one of the roles, else of the last of all.

    A message without text says which tools it calls. The mask tells the rows, in whose order the texts are.
    """
    spoken = pieces.filter(pieces.kinds != ROLE)
    if not len(spoken.rows):
        return np.zeros(rows, np.bool_), pa.array([], pa.string())
    wanted = _wanted(pieces, roles, spoken)
    # Roles first, then numbers: the greatest is the message.
    rank = spoken.messages + wanted * 10**7
    best = np.full(rows, -1, np.int64)
    np.maximum.at(best, spoken.rows, rank)
    chosen = spoken.filter(rank == best[spoken.rows])
    has_text = np.zeros(rows, np.bool_)
    has_text[chosen.rows[chosen.kinds == TEXT]] = True
    chosen = chosen.filter((chosen.kinds == TEXT) == has_text[chosen.rows])
    return best >= 0, message_texts(_joined(chosen))


def _wanted(pieces: Pieces, roles: frozenset[str], spoken: Pieces) -> Mask:
    """Which of the spoken pieces are of a message whose role is one of these."""
    named = pieces.filter(pieces.kinds == ROLE)
    ours = pc.is_in(pc.utf8_lower(named.texts), value_set=pa.array(sorted(roles))).to_numpy(zero_copy_only=False)
    of = _identity(named)[ours]
    wanted: Mask = np.isin(_identity(spoken), of)
    return wanted


def _identity(pieces: Pieces) -> npt.NDArray[np.int64]:
    return pieces.rows * 10**6 + pieces.messages


def _joined(pieces: Pieces) -> pa.StringArray:
    """The pieces of each row as one text: a line each, arguments in parentheses behind the name of their tool."""
    order = np.lexsort((pieces.places, pieces.rows))
    rows, kinds = pieces.rows[order], pieces.kinds[order]
    texts = pieces.texts.take(pa.array(order))
    begins = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
    if len(begins) == len(rows) and (kinds == TEXT).all():
        return texts
    arguments = pa.array(kinds == TOOL_ARGUMENTS)
    texts = pc.if_else(arguments, pc.binary_join_element_wise("(", texts, ")", ""), texts)
    first = np.zeros(len(rows), np.bool_)
    first[begins] = True
    breaks = pc.if_else(pa.array(~first & (kinds != TOOL_ARGUMENTS)), "\n", "")
    texts = pc.binary_join_element_wise(breaks, texts, "")
    lists = pa.ListArray.from_arrays(pa.array(np.append(begins, len(rows)), pa.int32()), texts)
    return pc.binary_join(lists, "")
