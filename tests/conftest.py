"""Fixtures for every test."""

import os
import signal

from hypothesis import HealthCheck, settings

from tests.browser.fixture import browser, browser_page, complaints, open_page
from tests.fixtures.dask import dask_cluster
from tests.fixtures.everywhere import everywhere, shared_catalogue
from tests.fixtures.flow_command import flow_command
from tests.fixtures.judges import judges
from tests.fixtures.postgres import catalogue_place, postgres_place, postgres_server
from tests.fixtures.prefect_harness import prefect_server
from tests.fixtures.runner import dask_everywhere, local_only
from tests.fixtures.seaweedfs import s3_bucket, s3_server

__all__ = [
    "browser", "browser_page", "catalogue_place", "complaints", "dask_cluster", "dask_everywhere", "everywhere", "flow_command", "judges",
    "local_only", "open_page", "postgres_place", "postgres_server", "prefect_server", "s3_bucket", "s3_server", "shared_catalogue",
]

# What whoever runs the tests has set for work: no command of a test may reach their server, or send them messages.
for name in ("PREFECT_API_URL", "STRONGROOM_CATALOGUE", "STRONGROOM_CATALOGUE_PASSWORD_FILE", "STRONGROOM_NOTIFY",
             "STRONGROOM_NOTIFY_URLS", "STRONGROOM_NOTIFY_URLS_FILE", "STRONGROOM_RUNNER", "STRONGROOM_SCRATCH"):
    os.environ.pop(name, None)

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would every command that they start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What a machine takes for an example says nothing about the product: another job may have the processor.
# The examples are the same each time: what is searched at random is searched by `make faults`.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("unhurried")
