# `make run` is all a user needs; README.md tells the rest.
.DEFAULT_GOAL := run
.PHONY: run demo build test check bench shots package bindings ui setup setup-test setup-bench

UI_SOURCES := $(shell find ui/src ui/index.html ui/vite.config.ts ui/tsconfig.json ui/package-lock.json -type f 2>/dev/null)
TARGET := $(or $(CARGO_TARGET_DIR),target)
TAURI_CLI := 2.12.5
# Packages with lock files of their own, since what Eider is measured beside is no dependency of it.
PEERS := benches/cache benches/jobs benches/jobs/apalis
TESTS := $(if $(shell command -v cargo-nextest),nextest run,test)

# A failed test tells its chain of reasons; a backtrace through the async runtime adds nothing.
export RUST_LIB_BACKTRACE ?= 0

run: build ## Installs what is missing, builds, and opens the app; ARGS="…" passes flags on
	$(TARGET)/debug/eider $(ARGS)

demo: build ## The same, straight into the demo
	$(TARGET)/debug/eider --profile demo $(ARGS)

build: ui
	cargo build --bins

setup:
	@scripts/setup build

setup-test:
	@scripts/setup test

setup-bench:
	@scripts/setup bench

ui: setup ui/dist/index.html

ui/dist/index.html: $(UI_SOURCES)
	npm --prefix ui run build

test: setup-test ui ## Every test; the summary of the Rust tests comes last
	npm --prefix ui test
	cargo build --workspace --bins --tests
	cargo test --workspace --doc --quiet
	cargo $(TESTS) --workspace

check: setup-test ui ## Formatting, lints, types, licences, and generated files up to date
	cargo fmt --all --check
	for peers in $(PEERS); do cargo fmt --manifest-path $$peers/Cargo.toml --check || exit 1; done
	npm --prefix ui run format:check
	npm --prefix ui run check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --workspace --lib --quiet -- bindings_are_up_to_date
	scripts/licences

bindings: ui ## Writes ui/src/bindings/index.ts anew from the commands of the shell
	EIDER_WRITE_BINDINGS=1 cargo test --workspace --lib --quiet -- bindings_are_up_to_date

bench: setup-bench ui ## Figures of a release build, as a table and in target/bench/summary.json
	cargo build --release --workspace --bins
	$(TARGET)/release/eider-bench
	for peers in $(PEERS); do CARGO_TARGET_DIR=$(abspath $(TARGET))/peers cargo build --release --locked --manifest-path $$peers/Cargo.toml || exit 1; done
	EIDER_BENCH_OUT=$(abspath $(TARGET))/bench $(TARGET)/peers/release/eider-cache-bench
	EIDER_BENCH_OUT=$(abspath $(TARGET))/bench $(TARGET)/peers/release/eider-jobs-bench

shots: setup-test build ## A screenshot of every screen in both themes, into target/shots/
	cargo run -p eider-window-tests --bin shots

package: ui ## A .deb with eider and eiderd, into target/release/bundle/deb/
	@scripts/setup package
	cargo build --release --bins
	npx --yes @tauri-apps/cli@$(TAURI_CLI) build --bundles deb
