"""Descriptive records: found, read, and checked against a JSON Schema before anything is sealed."""

from strongroom.metadata.interface import PathSet, SuppliedChecksum, ValidationResult
from strongroom.metadata.validate import validate

__all__ = ["PathSet", "SuppliedChecksum", "ValidationResult", "validate"]
