# Everything here stands on .venv and node_modules, which bin/tools keeps in step with the locks.
.DEFAULT_GOAL := help
.PHONY: help run test bench check docs fmt lock pictures faults tools format lint types scripts templates migrations deploy translations audit

VENV := .venv/bin
NODE := node_modules/.bin
DEVELOPMENT := DEBUG=1 $(VENV)/python manage.py
# Nothing of this shell's own settings: what a production server would be given, and no more.
PRODUCTION := env -i PATH="$(PATH)" ALLOWED_HOSTS=hub.example DATABASE_URL=sqlite://:memory: \
	SECRET_KEY=a-key-of-fifty-characters-that-only-this-check-is-using-0123456789 \
	$(VENV)/python -W error manage.py
HTML := $(wildcard templates */templates)

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST)

run: ## the demo site on http://127.0.0.1:8000
	@bin/run

test: ## every test, on SQLite and PostgreSQL
	@bin/test

bench: tools ## how fast it is beside its peers (BENCH=--quick for a glance)
	@$(VENV)/python -m bench.run $(BENCH)

faults: tools ## the slow proofs: failures, races and load, one after the other
	FULL=1 $(VENV)/python -m tests.support.postgres $(VENV)/python -m pytest -rP -m faults
	FULL=1 $(VENV)/python -m pytest -rP -m faults

check: format lint types scripts templates docs migrations deploy translations audit ## everything but the tests
	@echo "make check: all is well."

fmt: tools ## format Python, JavaScript, CSS, JSON and templates in place
	$(VENV)/ruff check --fix-only --quiet
	$(VENV)/ruff format --quiet
	$(NODE)/biome check --write --log-level=error
	-$(VENV)/djlint --reformat --quiet $(HTML) # says 1 where it changed something

lock: tools ## bring the locks up to what pyproject.toml allows
	$(LOCK) --extra site --output-file requirements.txt pyproject.toml
	$(LOCK) --extra site --group dev --constraints requirements.txt --output-file requirements-dev.txt pyproject.toml
	echo uv | $(LOCK) --output-file bin/uv.txt -
	npm install --package-lock-only --silent

# Universal, and from Python 3.11.0 on: Debian 12 has 3.11.2, for which redis needs a package more than for 3.11.3.
LOCK := $(VENV)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

docs: tools ## the documents as a site in var/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(VENV)/mkdocs build --quiet

pictures: tools ## take the documents' pictures from the running product
	DJANGO_SETTINGS_MODULE=tests.settings DEBUG=1 $(VENV)/python -m docs.pictures

tools:
	@bin/tools

format: tools
	$(VENV)/ruff format --check --quiet

lint: tools
	$(VENV)/ruff check --quiet

types: tools
	$(VENV)/mypy

scripts: tools
	$(NODE)/biome check --error-on-warnings
	$(NODE)/tsc
	$(NODE)/tsc --project service_worker
	node --test $(wildcard tests/js/*/*.test.js)

templates: tools
	$(VENV)/djlint --check $(HTML)
	$(VENV)/djlint --lint $(HTML)

migrations: tools
	$(DEVELOPMENT) makemigrations --check --dry-run

deploy: tools
	$(PRODUCTION) check --deploy --fail-level WARNING

translations: tools
	$(VENV)/python bin/check_translations.py

audit: tools
	$(VENV)/python bin/audit.py
