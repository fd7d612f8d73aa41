"""The tests: as the service, they have gRPC's core read its sockets itself."""

import os

from otel_sessions.cli.options import GRPC_EXPERIMENTS, POLLSETS

os.environ.setdefault(GRPC_EXPERIMENTS, POLLSETS)
