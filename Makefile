# What one types: `make up` gives the cluster, `make test` the proof, the rest is for people who change pgaf.

SWIFT ?= swift
HOST := .build/release/pgaf-host
AGENT := .build-agent/release/pgaf-agent
# An eighth of the time of a build. Whoever wants a debugger: make unit NO_DEBUG_INFORMATION=
NO_DEBUG_INFORMATION = -Xswiftc -gnone -Xcc -g0
# A build of its own: fully static, so that the program starts on any Linux, stripped, and optimised for size: 0.46 MB
# less, and no slower in start, hashing and plan (most of its time passes in other programs). A section for each of
# BoringSSL's functions lets the linker drop those that nobody calls: another 0.57 MB, with the same code for the others.
# Nothing unwinds through its C code, so it needs no tables for that, and nobody looks for any in the whole of it.
AGENT_FLAGS := -c release --product pgaf-agent --scratch-path .build-agent --static-swift-stdlib \
	-Xswiftc -static-executable -Xlinker --gc-sections -Xlinker --icf=safe -Xlinker --no-eh-frame-hdr -Xlinker -s \
	-Xswiftc -Osize -Xcc -ffunction-sections -Xcc -fdata-sections -Xcc -fno-unwind-tables -Xcc -fno-asynchronous-unwind-tables \
	$(NO_DEBUG_INFORMATION)

.PHONY: build host agent up test unit transport cluster vm soak fuzz check format bench clean

# A Mac has no static Linux program to give: its agent is built on any Linux and named by PGAF_AGENT.
build: host $(if $(filter Darwin,$(shell uname)),agent-elsewhere,agent)

.PHONY: agent-elsewhere
agent-elsewhere:
	@echo "build the agent with \`make agent\` on Linux, and name the copied file in PGAF_AGENT"

host:
	@scripts/prepare build
	$(SWIFT) build -c release --product pgaf-host

agent:
	@scripts/prepare build
	$(SWIFT) build $(AGENT_FLAGS)

# The whole thing, for a newcomer. Options for pgaf-host: make up UP="--machine local"
up:
	@scripts/prepare run
	@$(MAKE) --no-print-directory build
	$(HOST) up $(UP)

# What CI runs: every tier, the virtual machine with some of its faults (`make vm` has them all).
test: built-for-tests
	scripts/test

# One after the other: side by side the two builds took 438 s instead of 455 on two processors, and their output is mixed.
.PHONY: built-for-tests
built-for-tests:
	@scripts/prepare test
	@$(MAKE) --no-print-directory agent
	$(SWIFT) build --build-tests $(NO_DEBUG_INFORMATION)

# Single tiers, for work in between; the virtual machine with all its faults, its reboots and what Vagrant's verbs do.
vm: export PGAF_VM := all
unit transport cluster vm: built-for-tests
	scripts/test $@

# One random fault after another for an hour (PGAF_SOAK_MINUTES), a client writing; then an agent that is killed in every
# step, PGAF_ROUNDS times (once where that is not set). PGAF_SEED repeats.
soak: built-for-tests
	PGAF_SOAK_MINUTES=$${PGAF_SOAK_MINUTES:-60} scripts/test soak

# libFuzzer for 25 minutes of processor time, ten of them for what comes from the agent. PGAF_SEED repeats,
# PGAF_FUZZ_SECONDS goes on longer.
fuzz:
	@scripts/prepare test
	SWIFT=$(SWIFT) scripts/fuzz

check:
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift
	scripts/check

format:
	$(SWIFT) format --in-place --recursive Sources Tests Package.swift

bench:
	@scripts/prepare test
	scripts/bench

clean:
	rm -rf .build .build-agent .build-fuzz
