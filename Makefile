# Verbs of this project. Everything runs from .venv, which is made on first use and reused after it.
#
#   make demo    PORT=8080 ADMIN_PORT=9900      make test    ARGS="-k matcher"
#   PYTHON=/path/to/python3.11 chooses the interpreter for a new .venv (`make clean` drops the old one).

VENV       ?= .venv
PYTHON     ?=
PORT       ?= 8080
ADMIN_PORT ?= 9900
ARGS       ?=
COVERAGE   ?=
PROFILE    ?=
RUN        ?=
KEEP       ?=
SCENARIOS  ?=

python := $(VENV)/bin/python

.PHONY: help demo test lint format coverage conformance cluster-test h2spec bench image manifests docs clean
.NOTPARALLEL:

help:
	@echo "make demo      the hello backend and the gateway on config/hello.yaml, until Ctrl-C (PORT=, ADMIN_PORT=)"
	@echo "make test      the tests (ARGS=\"-k name\" for some of them)"
	@echo "make lint      ruff and mypy --strict"
	@echo "make format    ruff's formatter and safe fixes, in place"
	@echo "make coverage  the tests under coverage, worker processes included, with its thresholds"
	@echo "make conformance  the official Gateway API suite in a cluster of its own (PROFILE=, RUN=, KEEP=1, SCENARIOS=0; needs root and Go)"
	@echo "make cluster-test the scenarios of tests/cluster, each in a cluster (ARGS=)"
	@echo "make h2spec    h2spec over clear text and TLS, compared with the waivers (needs Go)"
	@echo "make bench     CPU per request beside nginx and HAProxy (installs both and wrk; needs root)"
	@echo "make image     the container image, with docker or podman"
	@echo "make manifests the CRDs in config/kubernetes/, from the models"
	@echo "make docs      where the documentation is"
	@echo "make clean     remove .venv and everything built"

demo: $(VENV)/.installed-run
	@$(python) -m proxy demo --port $(PORT) --admin-port $(ADMIN_PORT)

test: $(VENV)/.installed-test
ifeq ($(COVERAGE),)
	@$(python) -m pytest $(ARGS)
else
	@scripts/test-with-coverage $(python) $(ARGS)
endif

coverage:
	@$(MAKE) --no-print-directory test COVERAGE=1

lint: $(VENV)/.installed-lint
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy

format: $(VENV)/.installed-lint
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

conformance: $(VENV)/.installed-test
	@scripts/conformance-tools
	@KEEP="$(KEEP)" SCENARIOS="$(SCENARIOS)" $(python) -m tests.conformance run --profile "$(PROFILE)" --run "$(RUN)"

cluster-test: $(VENV)/.installed-test
	@scripts/conformance-tools
	@$(python) -m tests.conformance build
	@$(python) -m pytest tests/cluster --timeout=600 $(ARGS)

h2spec: $(VENV)/.installed-test
	@scripts/h2spec $(python)

bench: $(VENV)/.installed-test
	@$(python) -m benchmarks.load --python "$$(scripts/bench-python $(python))" $(ARGS)

image:
	@scripts/build-image $(ARGS)

manifests: $(VENV)/.installed-run
	@$(python) scripts/write_manifests.py

docs:
	@echo "The documentation is Markdown, read where it lies; a built site does not exist yet."
	@echo "  README.md             what it is, two commands, the life of a request"
	@echo "  docs/interface.md     commands, options, configuration, metrics, answers: what you can rely on"
	@echo "  docs/testing.md       requests and what is expected of them, in YAML and with pytest"
	@echo "  docs/support.md       which features of the Gateway API are served, and which tests say so"
	@echo "  docs/architecture.md  how it is built, and how to add to it"
	@echo "  docs/decisions/       why it is so"

clean:
	rm -rf $(VENV) .venv-bench build dist *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the virtual environment -----------------------------------------------------------------
# One stamp for each set of extras: pip works only when pyproject.toml is newer than the stamp.

extras-run  :=
extras-test := [test]
extras-lint := [test,lint]

$(python):
	@scripts/create-venv "$(VENV)" "$(PYTHON)"

$(VENV)/.installed-%: pyproject.toml | $(python)
	@echo "Installing Penstock$(extras-$*) into $(VENV) (once; takes a minute) ..."
	@$(python) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --editable '.$(extras-$*)'
	@touch $@
