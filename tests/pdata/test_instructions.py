"""How many instructions the compiled decoder takes for a span: a guard of its speed that no other job can disturb.

Only its own instructions count, not those of the C library, which differ by processor. A compiler that is better or
worse at it moves the figures by some percent; who makes the decoder slower, by more, sees it here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.load import Shape, bodies
from otel_sessions.pdata import decoder, wire

TIMES, SPANS = 8, 512
LIBRARY = Path(wire.__file__).with_name("_wire.so")
DRIVER = """
import ctypes, sys
function, path, times = sys.argv[2], sys.argv[3], int(sys.argv[4])
library, body = ctypes.CDLL(sys.argv[1]), open(path, "rb").read()
requests, sizes = (ctypes.c_char_p * times)(*[body] * times), (ctypes.c_size_t * times)(*[len(body)] * times)
library.wire_decode.restype = ctypes.c_void_p
library.wire_decode.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint64]
library.wire_check.argtypes = [*library.wire_decode.argtypes, ctypes.c_void_p]
library.wire_check.restype = ctypes.c_bool
if function == "wire_decode":
    done = library.wire_decode(requests, sizes, times, 1 << 40)
else:
    done = library.wire_check(requests, sizes, times, 1 << 40, (ctypes.c_uint64 * (16 * times))())
sys.exit(0 if done else "nothing was read")
"""


@pytest.mark.skipif(shutil.which("callgrind_annotate") is None, reason="valgrind is not installed")
@pytest.mark.skipif(decoder() != "compiled", reason="there is no compiled decoder")
@pytest.mark.parametrize(("function", "most"), [("wire_decode", 7_750), ("wire_check", 5_450)])
def test_a_span_takes_no_more_instructions_than_it_did(tmp_path: Path, function: str, most: int) -> None:
    body, counted = tmp_path / "body", tmp_path / "counted"
    body.write_bytes(bodies(Shape(spans=SPANS), 0, 1)[0])
    run = [sys.executable, "-I", "-S", "-c", DRIVER, str(LIBRARY), function, str(body), str(TIMES)]
    valgrind = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={counted}"]
    subprocess.run([*valgrind, *run], check=True, timeout=300)
    table = subprocess.run(
        ["callgrind_annotate", "--threshold=100", str(counted)], check=True, capture_output=True, text=True, timeout=300
    ).stdout
    found = re.findall(r"^ *([\d,]+) .*_wire\.so\]$", table, re.MULTILINE)
    assert found, table
    instructions = sum(int(number.replace(",", "")) for number in found) / TIMES / SPANS
    assert instructions < most, f"{instructions:.0f} a span of nine attributes"
