.PHONY: check test slow exhaustive cluster-test
PYTHON ?= .venv/bin/python

check: test           ## what a commit must pass
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -q

slow:
	$(PYTHON) -m pytest -q -m slow

exhaustive:           ## every place at which something can fail: some 20 minutes
	$(PYTHON) -m pytest -q -n 2 -m exhaustive

cluster-test:         ## a real cluster: three hosts by SSH; needs root, openssh-server, rsync, iproute2
	$(PYTHON) -m pytest -q -s -m cluster tests/cluster
