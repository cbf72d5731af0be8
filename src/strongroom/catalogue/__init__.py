"""The catalogue: an SQL index over stores, bags, contents and events. A cache: correctness never rests on it."""

from strongroom.catalogue.catalogue import Catalogue
from strongroom.catalogue.rows import BagRow, CollectionRow, ObjectRow, StoreRow

__all__ = ["BagRow", "Catalogue", "CollectionRow", "ObjectRow", "StoreRow"]
