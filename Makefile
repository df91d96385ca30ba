# The ways into this checkout on a bare Debian machine (python3, make, git) and in CI.
# What is needed is installed the first time; after that only what changed is done again.

ROOT := $(if $(filter 0,$(shell id -u)),,sudo -E env PATH="$$PATH")
INVOKE = PATH="$(CURDIR)/.venv/bin:$$PATH"; export PATH; exec $(ROOT) .venv/bin/invoke

.PHONY: venv demo test lint clean

venv: .cache/venv

.cache/venv: pyproject.toml bin/setup
	sh bin/setup venv

test: venv
	sh bin/setup engine
	@$(INVOKE) test

demo: venv
	@if sh bin/setup engine; then $(INVOKE) demo $(if $(SITE),--site) $(if $(FROZEN),--frozen) $(if $(WATCH),--watch); \
	else echo "No throw-away host can be made here, so this looks at the machine itself." >&2; \
	  .venv/bin/sshdoctor diagnose --host localhost || [ $$? -ne 2 ]; fi

lint: venv
	@PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/invoke lint

clean:
	rm -rf .venv .cache build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
