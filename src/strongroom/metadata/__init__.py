"""Descriptive records: found, read, and checked against a JSON Schema before anything is sealed."""

from strongroom.metadata.files import LocalFiles, SourceFiles
from strongroom.metadata.interface import PathSet, SuppliedChecksum, ValidationResult
from strongroom.metadata.validate import validate

__all__ = ["LocalFiles", "PathSet", "SourceFiles", "SuppliedChecksum", "ValidationResult", "validate"]
