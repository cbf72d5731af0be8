"""How each collection stands, from the catalogue alone: what is where, when it was last read, what is overdue and why."""

from strongroom.usecases.status.report import CollectionStatus, Replica, StatusReport, StoreStatus
from strongroom.usecases.status.run import status

__all__ = ["CollectionStatus", "Replica", "StatusReport", "StoreStatus", "status"]
