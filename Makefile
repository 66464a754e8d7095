# `make demo` and `make test` do all the set-up on a fresh machine; the rest is for who works on this.
STATIC = .build/static
RELEASE = -c release --static-swift-stdlib --pkg-config-path $(STATIC)
BIN = .build/release

.PHONY: all setup release demo demo-script test check lint bench install clean

all: release

setup:
	@deploy/setup

# The first time this takes some minutes; afterwards only what changed is built.
release: setup
	@deploy/static-libraries $(STATIC)
	@echo "building looop and looop-fleet (release) …"
	@swift build $(RELEASE) --product looop
	@swift build $(RELEASE) --product looop-fleet

demo: release
	@deploy/demo/demo --bin $(BIN)

demo-script: release
	@deploy/demo/demo --bin $(BIN) --script

test: setup
	@Tests/run

lint:
	swift format lint --strict -r Package.swift Sources Tests Benchmarks

# What CI runs, and what a change must pass.
check: setup lint test

bench: release
	@Benchmarks/run $(BIN)

PREFIX = /usr/local
install: release
	install -D -m 755 $(BIN)/looop $(DESTDIR)$(PREFIX)/bin/looop
	install -D -m 755 $(BIN)/looop-fleet $(DESTDIR)$(PREFIX)/bin/looop-fleet

clean:
	rm -rf .build
