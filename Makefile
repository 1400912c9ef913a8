# Every target needs .venv and node_modules, which bin/tools keeps in step with the locks.
.DEFAULT_GOAL := help
.PHONY: help run test build bench check release docs fmt lock pictures faults exhaustive soak tools format lint types scripts templates migrations deploy translations audit

VENV := .venv/bin
NODE := node_modules/.bin
DEVELOPMENT := DEBUG=1 $(VENV)/python manage.py
# The environment of a production server, without this shell's own settings.
PRODUCTION := env -i PATH="$(PATH)" ALLOWED_HOSTS=hub.example DATABASE_URL=sqlite://:memory: \
	SECRET_KEY=a-key-of-fifty-characters-that-only-this-check-is-using-0123456789 \
	$(VENV)/python -W error manage.py
HTML := $(wildcard templates */templates)

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST)

run: ## serve the demo site on http://127.0.0.1:8000
	@bin/run

test: ## run the tests, on SQLite and PostgreSQL
	@bin/test

build: tools ## bundle the scripts and styles that pages load; commit the result
	node bin/build.js

bench: tools ## measure the hub beside its peers (BENCH=--quick for a first look)
	@$(VENV)/python -m bench.run $(BENCH)

# The proofs of both databases run on PostgreSQL, which a site of this size needs; `make exhaustive` has them on SQLite.
# Some measure the machine, and run alone: parallel workers leave them out. The others wait most of the time. Without a
# guard a test must fail, however busy the machine is, and most wait for what then never comes.
PROOFS := faults and not exhaustive
ALONE := (clocked or faults(alone=True))
PROVE := $(VENV)/python -m pytest -rP --ignore tests/guards
ON_POSTGRES := $(VENV)/python -m tests.support.postgres
faults exhaustive soak: export FULL := 1
faults: tools ## run the slow proofs: failures, races, load, and the code without each guard
	$(ON_POSTGRES) $(PROVE) -m "$(PROOFS) and $(ALONE)"
	$(ON_POSTGRES) $(PROVE) -m "$(PROOFS)" -n 3
	$(PROVE) -m "$(PROOFS) and not both_databases and $(ALONE)"
	$(PROVE) -m "$(PROOFS) and not both_databases" -n 3
	$(VENV)/python -m pytest -n 6 -m faults tests/guards

exhaustive: tools ## run the largest proofs, and heavy tests on their second database
	$(ON_POSTGRES) $(PROVE) -m "exhaustive or both_databases(short='sqlite')"
	$(PROVE) -m "exhaustive or (faults and both_databases) or both_databases(short='postgresql')"

soak: tools ## run the cluster for half an hour under load and kills (SOAK="--minutes 5")
	@$(VENV)/python -m tests.faults.soak $(SOAK)

check: format lint types scripts templates docs migrations deploy translations audit ## run every check except the tests
	@echo "make check: everything passed."

release: tools ## build, check and tag a release (RELEASE=--dry-run does not tag); publishing is by hand
	@$(VENV)/python bin/release $(RELEASE)

fmt: tools ## format Python, JavaScript, CSS, JSON and templates in place
	$(VENV)/ruff check --fix-only --quiet
	$(VENV)/ruff format --quiet
	$(NODE)/biome check --write --log-level=error
	-$(VENV)/djlint --reformat --quiet $(HTML) # exits with 1 if it changed something

lock: tools ## update the locks as far as pyproject.toml allows
	$(LOCK) --group site --output-file requirements.txt pyproject.toml
	$(LOCK) --group site --group dev --constraints requirements.txt --output-file requirements-dev.txt pyproject.toml
	echo uv | $(LOCK) --output-file bin/uv.txt -
	npm install --package-lock-only --silent
	for example in examples/*/package.json; do npm install --package-lock-only --silent --prefix $$(dirname $$example); done

# Universal, and from Python 3.11.0 on. Debian 12 has 3.11.2, for which redis needs one more package than for 3.11.3.
LOCK := $(VENV)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

docs: tools ## build the documents as a site in var/site; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(VENV)/mkdocs build --quiet

pictures: tools ## take the pictures in docs/ from the running product
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
	node bin/build.js --check
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
