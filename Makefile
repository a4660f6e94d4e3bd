# make run: a running shop with demo orders. make test: everything. PORT and MAKTAB_* are honoured (docs/install.md).
.PHONY: run test prove lint format lock translations docs screens bench clean
.DEFAULT_GOAL := run

run:
	@scripts/setup.sh requirements.lock
	@scripts/run.sh

test:
	@scripts/setup.sh requirements-dev.lock
	@scripts/browser.sh
	.venv/bin/python -P -m pytest -n logical --maxprocesses 8 --dist worksteal $(PYTEST)

# The long proofs of docs/promises.md, one at a time; figures go to prove.jsonl. MAKTAB_PROVE=0.05 is a short form.
prove:
	@scripts/setup.sh requirements-dev.lock
	.venv/bin/python -P -m pytest -v -m prove $(PYTEST)

lint:
	@scripts/setup.sh requirements-dev.lock
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --config setup.cfg
	.venv/bin/bandit -q -r core plugins themes scripts -c pyproject.toml -lll

format:
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# After a text was added or changed: brings core/locale and plugins/*/locale up to date; then write the msgstr lines.
translations:
	@scripts/setup.sh requirements-dev.lock
	.venv/bin/python scripts/translations.py

# After a hook spec, its example or the test of it changed: makes docs/hooks anew.
docs:
	@scripts/setup.sh requirements-dev.lock
	.venv/bin/python -P scripts/hook_pages.py

# Pictures of every page for docs/screens, of a demo shop that it makes: make screens [ONLY=list,order] [SHOP=folder to keep]
screens:
	@scripts/setup.sh requirements-dev.lock
	@scripts/browser.sh
	.venv/bin/python scripts/screens --only '$(ONLY)' $(if $(SHOP),--shop '$(SHOP)')

# Maktab beside its peers, with checked answers (bench/README.md). SIZE=10k is quick; SIZE=1m,100k,10k is the whole matrix.
bench:
	@scripts/setup.sh requirements-dev.lock
	.venv/bin/python bench/run.py --size $(or $(SIZE),10k) $(BENCH)

# No index address may get into the lock files: everybody installs from the index that he trusts.
lock:
	@scripts/setup.sh requirements-dev.lock
	scripts/lock.sh
