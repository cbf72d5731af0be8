# Needs Python 3.11 or newer with venv, and nothing else: `make demo` and `make test` work in a fresh clone.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: help demo demo-server test leaks elsewhere faults bench check clean

# An activated environment, or settings of pip and Python, must not change what is installed or run.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $(name))))
RUN := .venv/bin/python
STAMP := .venv/installed
# What writes to each table of a catalogue and asks it, in about a minute (docs/decisions/0032-shared-catalogue.md).
AGAIN := $(addprefix tests/,access audit/test_audit.py identify/test_identify.py rebuild/test_rebuild.py sweep/test_two_at_once.py)
AGAIN_LONG := $(addprefix tests/,audit/test_forks.py identify repair replicate status/test_status.py sweep/test_sweep.py usecases/test_reading.py \
	$(addprefix withheld/test_,counts.py history.py memory.py readers.py))
# What drives jobs, with the catalogue in PostgreSQL and each batch carried out by Dask (docs/decisions/0033-dask.md): all of it, and a part for each day.
ELSEWHERE := $(addprefix tests/,access archive audit batch cli collections due endtoend export flows history identify imports likeness page rebuild recovery \
	repair replicate report restore retain room scanning serve signing status sweep thaw usecases withheld)
ELSEWHERE_SHORT := $(addprefix tests/,archive restore)

help:
	@echo 'make demo         archive the sample collection, verify it, restore it, compare'
	@echo 'make demo-server  look at the demo'\''s runs in Prefect, at http://127.0.0.1:4200'
	@echo 'make test         run all tests'
	@echo 'make leaks        run them again, where a file, socket or process that nobody closed is a failure'
	@echo 'make elsewhere    all that drive jobs, with the catalogue in PostgreSQL and the work done by Dask'
	@echo 'make faults       kill it, starve it, race it, some thousand times: hours (python -m tests.faults --help)'
	@echo 'make bench        measure it beside restic, borg and others: hours, 30 GB (python -m tests.bench --help)'
	@echo 'make check        ruff, mypy and the import contracts'
	@echo 'make clean        remove .venv, .judges and .demo'

$(STAMP): pyproject.toml src/strongroom/__init__.py
	@if [ -z '$(PYTHON)' ]; then echo 'Strongroom needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python3' >&2; exit 1; fi
	@'$(PYTHON)' -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo '$(PYTHON) lacks venv: install it (Debian and Ubuntu: apt install python3-venv), or say make PYTHON=/path/to/another' >&2; exit 1; }
	@echo 'Installing into .venv (once, some minutes) …'
	@'$(PYTHON)' -m venv --clear .venv
	@.venv/bin/python -m pip install --quiet --no-input --editable '.[dev]'
	@touch $@

demo: export STRONGROOM_HOME := $(CURDIR)/.demo/home
demo: export PREFECT_HOME := $(CURDIR)/.demo/prefect
demo: $(STAMP)
	@rm -rf .demo
	@mkdir -p .demo
	@echo '== 1. a community site that is about to close: .demo/source'
	@$(RUN) -m corpus.prepare .demo/source
	@echo '== 2. a store for its bags: .demo/store'
	@.venv/bin/strongroom store init .demo/store
	@echo '== 3. archive it, as a Prefect run (a temporary Prefect server takes some 20 seconds to start)'
	@.venv/bin/strongroom archive manifests/demo.yaml --prefect
	@echo '== 4. again: nothing has changed, so there is no new bag'
	@.venv/bin/strongroom archive manifests/demo.yaml --no-prefect
	@echo '== 5. restore the bag: .demo/restored, and the files as they were: .demo/files'
	@.venv/bin/strongroom restore lanternmoor .demo/restored --no-prefect
	@.venv/bin/strongroom restore lanternmoor .demo/files --payload-only --no-prefect
	@echo '== 6. compare'
	@.venv/bin/strongroom verify .demo/restored
	@diff -r --no-dereference .demo/source .demo/files && echo 'the restored files are identical to the source'
	@echo
	@echo 'The source     .demo/source'
	@echo 'The store      .demo/store       its README.txt says how to get everything out with tar and a shell'
	@echo 'The bag        .demo/restored    complete, by RFC 8493 (bagit-python 1.9 misreads the names with %)'
	@echo 'The files      .demo/files'
	@echo 'The Prefect runs, with a summary of the bag as an artifact: make demo-server'

demo-server: $(STAMP)
	@[ -d .demo/prefect ] || { echo 'run make demo first' >&2; exit 1; }
	@echo 'The demo'\''s runs: http://127.0.0.1:4200/runs (Ctrl-C ends the server)'
	@PREFECT_HOME="$$PWD/.demo/prefect" .venv/bin/prefect server start --host 127.0.0.1 --port 4200

test: $(STAMP)
	@$(RUN) -m pytest -n 2 --dist loadgroup tests
	@echo 'Some of them again, with the catalogue in PostgreSQL (skipped where that is not installed):'
	@STRONGROOM_TEST_CATALOGUE=postgresql $(RUN) -m pytest -n 2 --dist loadgroup $(AGAIN)
	@echo 'And some with that and with Dask:'
	@STRONGROOM_TEST_CATALOGUE=postgresql STRONGROOM_TEST_RUNNER=dask $(RUN) -m pytest -n 2 --dist loadgroup $(ELSEWHERE_SHORT)

# Who dropped it says the warning, not which test: some later one fails, whenever Python looks for garbage. So not in `make test`. Left out: fork
# where there are threads (from 3.12 on; what forks here knows of them), and lists in SQLite that close with what asks them (from 3.13 on).
leaks: $(STAMP)
	@$(RUN) -m pytest -n 2 --dist loadgroup -o $$'filterwarnings=error::ResourceWarning\nerror::pytest.PytestUnraisableExceptionWarning\nerror::pytest.PytestUnhandledThreadExceptionWarning\nignore:.*use of fork:DeprecationWarning\nignore:unclosed database:ResourceWarning' tests

elsewhere: $(STAMP)
	@STRONGROOM_TEST_CATALOGUE=postgresql STRONGROOM_TEST_RUNNER=dask $(RUN) -m pytest -n 2 --dist loadgroup $(ELSEWHERE)

faults: $(STAMP)
	@$(RUN) -m tests.faults
	@PYTHONPATH=src:. $(RUN) -m tests.faults.s3
	@PYTHONPATH=src:. $(RUN) -m tests.repair.locked
	@PYTHONPATH=src:. $(RUN) -m tests.history.lives
	@PYTHONPATH=src:. $(RUN) -m tests.audit.faults
	@PYTHONPATH=src:. $(RUN) -m tests.audit.faults --s3
	@PYTHONPATH=src:. $(RUN) -m tests.due.mixed
	@PYTHONPATH=src:. $(RUN) -m tests.due.mixed --stores both
	@PYTHONPATH=src:. $(RUN) -m tests.database.machines --kills 20
	@PYTHONPATH=src:. $(RUN) -m tests.database.workers --kills 20
	@PYTHONPATH=src:. $(RUN) -m tests.infra.image || [ $$? = 3 ]
	@PYTHONPATH=src:. $(RUN) -m tests.faults.model --large --planted
	@PYTHONPATH=src:. $(RUN) -m tests.faults.mutations
	@STRONGROOM_TEST_CATALOGUE=postgresql $(RUN) -m pytest -n 2 --dist loadgroup $(AGAIN) $(AGAIN_LONG)
	@$(MAKE) --no-print-directory elsewhere

bench: $(STAMP)
	@PYTHONPATH=src:. $(RUN) -m tests.bench
	@PYTHONPATH=src:. $(RUN) -m tests.bench --growth
	@PYTHONPATH=src:. $(RUN) -m tests.page.scale
	@PYTHONPATH=src:. $(RUN) -m tests.bench.units
	@PYTHONPATH=src:. $(RUN) -m tests.bench.simulate

check: $(STAMP)
	@.venv/bin/ruff check .
	@$(RUN) -m mypy
	@.venv/bin/lint-imports --no-logo

clean:
	rm -rf .venv .judges .judges.lock .demo
