"""Collection manifests: the YAML file that says what is archived, how, and where to."""

from strongroom.collections.load import find, load
from strongroom.collections.model import CollectionManifest, MetadataSettings, StoreRef

__all__ = ["CollectionManifest", "MetadataSettings", "StoreRef", "find", "load"]
