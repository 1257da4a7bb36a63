# What a person does with the course, one target each. Every target sets up what it needs, in .venv.
# Options are given on the command line (make run LESSON=1 PROFILE=smoke); those left empty are the command's own defaults.
LESSON  =
PROFILE =
JOBS    =
OUT     =
DATA    =
AGAIN   =
TRY     =
# Text as one word of the shell, whatever is in it: OUT may be a folder with spaces in its name.
quoted  = '$(subst ','\'',$(1))'
TO      = $(if $(OUT),--out $(call quoted,$(OUT)))
OPTIONS = $(if $(PROFILE),--profile $(PROFILE)) $(if $(JOBS),--jobs $(JOBS)) $(TO) $(if $(DATA),-p DATA=$(DATA)) $(if $(AGAIN),--again)

# PIP="uv pip" is the faster way for those who have uv; pip is what everyone has, and it follows pip.conf.
PIP    = $(VENV_PYTHON) -m pip
PYTHON = python3.13 python3.12 python3.11 python3 python

VENV_PYTHON = .venv/bin/python
READY       = .venv/.ready
COURSE      = $(VENV_PYTHON) -m course_tools

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup lab data notebooks run student site test browser reliability bench gpu clean lock

help:
	@awk -F ' *## ' '/^[a-z]+:.*## / { sub(/:.*/, "", $$1); printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## install everything into .venv (a few minutes, several GB, once)

lab: $(READY)  ## open your own copies of the notebooks in JupyterLab, at the one to start with
	$(COURSE) lab

data: $(READY)  ## fetch the data sets and list them (COURSE_DATA=folder uses a folder of yours)
	$(COURSE) data fetch
	$(COURSE) data list

notebooks: $(READY)  ## build notebooks/ from lessons/ and execute them; LESSON=1 builds one
	$(COURSE) notebooks $(LESSON)

run: $(READY)  ## run lessons without a browser: LESSON=1 PROFILE=smoke|quick|full JOBS=2 OUT=build DATA=auto AGAIN=1
	$(COURSE) run $(LESSON) $(OPTIONS)

student: $(READY)  ## write build/student without solutions, to hand out, and build/teacher: LESSON=2 OUT=build
	$(COURSE) student $(LESSON) $(TO)

site: $(READY)  ## write build/site: lessons, ledger, teaching notes and API as pages that need no network
	$(COURSE) site $(TO)

# All parts run even when one fails, pytest last: its closing line is there whatever happened, the exit code is that of all.
test browser reliability: export COURSE_PROFILE = smoke
test browser reliability: export COURSE_HEADLESS = 1
# Tests run side by side: more threads than cores would wait for each other.
test browser reliability: export OMP_NUM_THREADS = 1
test: $(READY)  ## check style, stored notebooks and code; run the tests, the notebooks' own among them (CI=1: and the browser's)
	@failed=0; set -x; \
	$(VENV_PYTHON) -m ruff check || failed=1; \
	$(VENV_PYTHON) -m ruff format --check || failed=1; \
	$(COURSE) notebooks --check || failed=1; \
	$(COURSE) ledger --check || failed=1; \
	{ set +x; } 2>/dev/null; \
	$(VENV_PYTHON) -m pytest -n 2 --nbval-lax --nbval-current-env --nbval-cell-timeout 300 \
		$(if $(CI),,-m "not browser") tests notebooks || failed=1; \
	exit $$failed

browser: $(READY)  ## work through the notebooks in a headless Chromium, as learners do; pictures in build/screens
	$(VENV_PYTHON) -m pytest -n 2 -m browser tests

reliability: $(READY)  ## try every fault, damaged input and load that the tests know, and write build/reliability.json
	$(VENV_PYTHON) -m pytest -n 2 -o faulthandler_timeout=0 -m reliability --reliability build/reliability.json tests

bench: $(READY)  ## measure speed against the plain recipe, as ratios, and write build/bench.json (9 minutes)
	$(VENV_PYTHON) -m benchmarks

# Without set-up, for machines that no network reaches: there the Python that has CUDA's PyTorch is what there is.
gpu:  ## all that a GPU can tell, in 8 minutes: tests, speed, lessons, a full run (TRY=cpu: in miniature; OUT=build/gpu)
	@$(firstword $(wildcard $(VENV_PYTHON)) python3) -m course_tools.gpu $(TO) $(if $(TRY),--try $(TRY))

clean:  ## remove what runs left in build/
	rm -rf build

# torch stays out of the lock: each machine takes the build that its index gives it, and the hashes would drag in its CUDA.
lock: $(VENV_PYTHON)  ## renew requirements.lock from pyproject.toml (maintainers)
	$(VENV_PYTHON) -m pip install --quiet uv
	printf 'torch\ntorchvision\n' | $(VENV_PYTHON) -m uv pip compile pyproject.toml \
		--extra test --extra sweep --extra slurm --extra site --group build \
		--excludes /dev/stdin --python-version 3.11 --universal --upgrade --generate-hashes --quiet \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements.lock
	$(PIP) install --quiet --require-hashes --no-deps -r requirements.lock
	$(VENV_PYTHON) -m course_tools.author.licences

$(READY): export VIRTUAL_ENV = $(CURDIR)/.venv
$(READY): pyproject.toml requirements.lock $(VENV_PYTHON)
	@$(PIP) --version >/dev/null 2>&1 || $(VENV_PYTHON) -m ensurepip >/dev/null || \
		{ echo "make: .venv has no pip, and no ensurepip to get it; remove .venv, then: make setup" >&2; exit 2; }
	@echo "Installing into .venv: first the locked packages, then torch. This takes a few minutes."
	$(PIP) install --quiet --require-hashes --no-deps -r requirements.lock
	$(PIP) install --quiet --no-build-isolation -e .
	@echo $(call quoted,$(CURDIR)) > $@

# Set-up notes where the course lies: in a folder that was moved since, the kernels of .venv would not find it.
ifneq ($(filter-out $(CURDIR),$(shell cat $(READY) 2>/dev/null)),)
.PHONY: $(READY)
endif

$(VENV_PYTHON):
	@for python in $(PYTHON); do \
		if $$python -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; \
		then exec $$python -m venv --clear .venv; fi; \
	done; \
	echo "make: none of '$(PYTHON)' is a Python 3.11-3.13 with venv; install one, or name yours: make setup PYTHON=path" >&2; exit 2
