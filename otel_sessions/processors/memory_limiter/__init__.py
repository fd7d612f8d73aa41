"""The processor `memory_limiter`: refuses data before memory runs out, by the names of the Collector's."""

from otel_sessions.component import Factory
from otel_sessions.processors.memory_limiter.config import MemoryLimiterConfig
from otel_sessions.processors.memory_limiter.limiter import MemoryLimiter

factory = Factory("memory_limiter", MemoryLimiterConfig, MemoryLimiter, "Refuses requests while memory is short.")

__all__ = ["MemoryLimiter", "MemoryLimiterConfig", "factory"]
