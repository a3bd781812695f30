# Needs Python 3.11 or 3.12 with pip, make and git. Everything else is installed by the target
# that lacks it: into .venv, into .venv-label-studio, and Chromium by apt where we are root.

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
PYTHON ?= $(shell for name in python3.11 python3.12 python3 python; do \
	$$name -c '$(SUPPORTED)' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
PACKAGES := .venv/packages-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
CHROMIUM := command -v chromium || command -v chromium-browser || command -v google-chrome

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test check catalogue bench label-studio chromium

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

setup: $(PACKAGES) label-studio chromium  ## install everything that the other targets need

demo: $(PACKAGES) label-studio  ## start it all; CHECK=1: one unattended turn of the loop, then stop
	@$(BIN)/goldloop demo $(if $(CHECK),--check)

test: check label-studio chromium  ## the checks, then every test; ARGS="-k name" for some
	$(BIN)/python -m pytest $(ARGS)

check: $(PACKAGES)  ## format, lint, types, import directions, migrations against tables
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/goldloop db check

catalogue: $(PACKAGES)  ## take new sentences of the pages into the Korean catalogue, to be translated
	@mkdir -p build
	@$(BIN)/pybabel --quiet extract --mapping-file pyproject.toml --keywords _l --no-location \
		--sort-output --width 100 --output-file build/messages.pot backend/admin
	@$(BIN)/pybabel --quiet update --input-file build/messages.pot --locale ko --width 100 \
		--no-fuzzy-matching --ignore-obsolete --output-dir backend/admin/translations

bench: $(PACKAGES) label-studio  ## the README's figures as JSON lines; NAME=x for one of them
	@status=0; for file in $(if $(NAME),benchmarks/$(NAME).py,$(wildcard benchmarks/*.py)); do \
		PYTHONPATH=. $(BIN)/python $$file || status=1; done; exit $$status

$(PACKAGES): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "install Python 3.11 or 3.12, or set PYTHON=" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || { $(PYTHON) -m venv --without-pip .venv \
		&& $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }
	@echo "installing Python packages into .venv (minutes, the first time)"
	@$(PIP) torch
	@$(PIP) --quiet --editable '.[dev]'  # twice: setuptools has much to say about editable
	@touch $@

label-studio: $(PACKAGES)
	@$(BIN)/python -c "import pathlib, backend.embedded.label_studio as embedded; \
		embedded.install(pathlib.Path('.venv-label-studio'), print)"

chromium:
	@($(CHROMIUM)) >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
		--no-install-recommends chromium fonts-nanum fonts-noto-color-emoji >/dev/null; } \
		|| { echo "install Chromium: the browser tests drive a real one" >&2; exit 1; }
