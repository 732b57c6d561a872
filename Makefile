# make help lists the targets. Needs Python 3.11-3.13; PYTHON=/path/to/python picks one.
# Every target that needs packages first makes .venv from the pinned list.

python := .venv/bin/python
compile := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header
# A server that refuses robots, is busy or out of order says nothing about a link; a certificate
# that browsers reject does.
unanswered := '(40[138]|425|429|5..) (Client|Server) Error|timed out' \
	-e 'Connection (aborted|reset)|Caused by [^S]'
export MAKECMDGOALS
# Where this is set, every one of a build's hundred processes would compile its packages anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help env book pdf test lint format lab data multiverse bench links twice launch drift
.PHONY: lock clean size prices

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

env: ## make .venv from requirements.lock, once; NEWEST=1 takes the newest versions instead
	@PYTHON="$(PYTHON)" NEWEST="$(NEWEST)" sh scripts/set_up.sh

book: env ## build the book in both languages and say where; LANG=en builds the English one alone
	@NQPF_EDITIONS=$(filter en,$(LANG)) $(python) scripts/build_book.py

pdf: book ## print the whole book as one PDF per language and say where; LANG as for book; needs chromium
	@NQPF_EDITIONS=$(filter en,$(LANG)) $(python) scripts/make_pdf.py

test: env ## run every test; those in a browser need chromium and a built book
	@$(python) -m pytest -n auto --dist worksteal

lint: env ## check style, imports, workflows and records
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@.venv/bin/lint-imports
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.citation-file-format CITATION.cff
	@.venv/bin/zizmor --offline --quiet --persona pedantic .github

format: env ## format the code
	@$(python) -m ruff check --fix-only --quiet .
	@$(python) -m ruff format .

lab: env ## open the chapters as notebooks in JupyterLab
	@.venv/bin/jupytext-config --settings-file .venv/share/jupyter/lab/settings/overrides.json \
		set-default-viewer markdown myst
	@$(python) -m jupyter lab

data: env ## rebuild the panel from its sources and compare; EXTRA=1 fetches the optional sets
	@$(python) -m nqpf data build $(if $(EXTRA),--extra)

multiverse: env ## run every specification again and compare with the stored results
	@$(python) -m nqpf multiverse

bench: env ## time the library beside its peers
	@$(python) -m pip install --quiet --require-hashes --requirement benchmarks/requirements.lock
	@for file in benchmarks/bench_*.py; do $(python) $$file || exit 1; done

links: env ## ask every external link of the book whether it answers
	@rm -rf _build/linkcheck
	@-.venv/bin/jupyter-book build "$(CURDIR)" --path-output "$(CURDIR)" --quiet \
		--config "$(CURDIR)/book/_config.yml" --toc "$(CURDIR)/book/_toc.yml" \
		--builder custom --custom-builder linkcheck
	@grep -qE '"status": "(working|redirected)"' _build/linkcheck/output.json || \
		{ echo "Not one link answered: is this machine online?"; exit 1; }
	@! grep -F '[broken]' _build/linkcheck/output.txt | grep -vE -e $(unanswered)
	@echo "No link is broken."

twice: env ## build the whole book twice and compare the bytes
	@rm -rf _build/first
	@for build in first second; do \
		rm -rf _build/.jupyter_cache _build/.doctrees _build/html _build/.pages-made-from; \
		$(python) scripts/build_book.py || exit 1; \
		[ $$build = second ] || mv _build/html _build/first; \
	done
	@diff -rq --exclude=.buildinfo --exclude=status.html _build/first _build/html
	@echo "both sites are the same"

launch: ## make the branch "launch": the project, each built chapter beside it as a notebook
	@sh scripts/launch_branch.sh

drift: env ## list the packages whose version is not that of requirements.lock
	@$(python) -m pip freeze --exclude-editable | tr A-Z_ a-z- | while read -r pin; do \
		grep -q "^$$pin " requirements.lock || { echo "+ $$pin"; \
		sed -n "s/^\($${pin%%==*}==[^ ]*\).*/- \1/p" requirements.lock; }; done

size: ## measure the size of the project and hold each figure against its limit
	@python3 tests/unit/measure_size.py --check

prices: ## write what each public name of the library costs and who uses it
	@python3 tests/unit/list_prices.py

lock: env ## pin the requirements of pyproject.toml again (needs uv)
	$(compile) --extra book --extra dev --extra test --output-file requirements.lock
	$(compile) --extra bench --constraint requirements.lock \
		--output-file benchmarks/requirements.lock

clean: ## remove the built book and the environment
	rm -rf _build book/provinces notebooks/records .venv .pytest_cache .ruff_cache .import_linter_cache
