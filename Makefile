# Few commands, the same here and in CI. Each installs what it needs: uv if it is missing, then the locked packages into .venv.
.DEFAULT_GOAL := help
.PHONY: help demo test chaos lint bench load docs clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\): ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: ## Live numbers of a synthetic centre, no servers needed (ARGS="--port 8081")
	@scripts/install.sh
	@.venv/bin/firstline demo $(ARGS)

test: ## Run all tests, against real servers where they can be had (ARGS="tests/unit")
	@scripts/test.sh $(ARGS)

chaos: ## Break workers, brokers, network and clocks 1,000 times and compare (ARGS="kill --faults 50")
	@scripts/chaos.sh $(ARGS)

lint: ## Check style, types and shell scripts
	@scripts/lint.sh

bench: ## Measure the speed beside other stream processors; writes docs/benchmarks.md (ARGS="peers --rounds 5")
	@scripts/install.sh
	@.venv/bin/python -m bench $(ARGS)

load: ## Ten times a large centre for ten minutes, then more than it can take (ARGS="--minutes 1")
	@scripts/install.sh
	@.venv/bin/python -m bench.load $(ARGS)

docs: ## Write the generated parts of the docs anew
	@scripts/uv.sh sync --locked --quiet
	@.venv/bin/python -m scripts.docs

clean: ## Remove everything that can be made again
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .firstline dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
