# kc: Kafka for people who live in a shell.
#
#   make            build/bin/kc-*              make check      every test
#   make demo       the main job on real data   make install    PREFIX= DESTDIR=
#   make deps       the Debian packages needed  make asan       the suite under ASan and UBSan
#
# BUILD=dir builds elsewhere, SAN=address,undefined instruments, CC=clang works.

BUILD   ?= build
PREFIX  ?= /usr/local
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
CFLAGS  ?= -O2 -g
WERROR  ?= 1
SAN     ?=
MAKEFLAGS += --no-builtin-rules $(if $(filter 0,$(MAKELEVEL)),-j$(shell nproc))

VERSION := 0.1.0

# V=1 shows the commands.
Q       := $(if $(V),,@)
note     = $(if $(V),@:,@printf '  %-5s %s\n' $(1) $(patsubst $(BUILD)/%,%,$@))

WARN = -Wall -Wextra -Wpedantic -Wvla -Wshadow -Wundef -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wwrite-strings -Wpointer-arith \
	-fno-common $(if $(filter 1,$(WERROR)),-Werror)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DKC_VERSION='"$(VERSION)"' $(CFLAGS) $(WARN) \
	-ffunction-sections -fdata-sections -MMD -MP -include lib/base/banned.h \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
ALL_LDFLAGS = $(LDFLAGS) -pthread -Wl,--gc-sections $(if $(SAN),-fsanitize=$(SAN))

# ---- who links what ---------------------------------------------------------
# Every folder is an archive of its name; a program lists its folders, lowest last.

TOOLS     := kc-produce kc-consume kc-topics kc-lag kc-dlq kc-replay
PROGRAMS  := $(TOOLS) kc-broker
LIBS      := base model cli kafka
BROKER    := api net coord meta store wire

TOOL_AR    = $(addprefix $(BUILD)/lib/,kafka.a cli.a model.a base.a)
BROKER_AR  = $(BROKER:%=$(BUILD)/broker/%.a) $(addprefix $(BUILD)/lib/,cli.a base.a)
TOOL_LIBS   = -lrdkafka -lcjson -lyaml -lreadline -lzstd -lcrypto
BROKER_LIBS = -lcjson -lz -lzstd -llz4 $(SNAPPY) -lpcre2-8
# snappy is C++: relocating a shared libstdc++ at every start costs up to 1 ms and 1.2 MB.
SNAPPY_IN := -Wl,-Bstatic -lsnappy -lstdc++ -Wl,-Bdynamic -lm
SNAPPY := $(if $(wildcard $(shell $(CC) -print-file-name=libstdc++.a 2>/dev/null)),$(SNAPPY_IN),-lsnappy)

# archives that a unit test of tests/unit/<folder>/ is linked with
AR_base   = $(BUILD)/lib/base.a
AR_model  = $(BUILD)/lib/model.a $(AR_base)
AR_cli    = $(BUILD)/lib/cli.a $(AR_model)
AR_kafka  = $(BUILD)/lib/kafka.a $(AR_cli)
AR_wire   = $(BUILD)/broker/wire.a $(AR_base)
AR_store  = $(BUILD)/broker/store.a $(AR_wire)
CONFIG_OBJ = $(BUILD)/obj/broker/config.o $(BUILD)/obj/broker/config_keys.o
AR_meta   = $(BUILD)/broker/meta.a $(CONFIG_OBJ) $(AR_store)
AR_coord  = $(BUILD)/broker/coord.a $(AR_meta)
AR_net    = $(BUILD)/broker/net.a $(AR_base)
LIBS_cli   = -lcjson -lyaml -lreadline -lzstd -lcrypto
LIBS_kafka = $(TOOL_LIBS)
LIBS_store = $(BROKER_LIBS)
LIBS_meta  = $(BROKER_LIBS)
LIBS_coord = $(BROKER_LIBS)

# ---- rules ------------------------------------------------------------------

all: $(PROGRAMS:%=$(BUILD)/bin/%)
.PHONY: all
.DELETE_ON_ERROR:
.SECONDARY:

$(BUILD)/obj/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	$(call note,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -iquote lib -c -o $@ $<

$(BUILD)/obj/cmd/%.o: cmd/%.c
	@mkdir -p $(@D)
	$(call note,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -iquote lib -c -o $@ $<

$(BUILD)/obj/broker/%.o: cmd/kc-broker/%.c $(BUILD)/gen/wire/messages.h
	@mkdir -p $(@D)
	$(call note,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -iquote lib -iquote cmd/kc-broker -iquote $(BUILD)/gen -c -o $@ $<

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(call note,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -iquote lib -iquote cmd/kc-broker -iquote $(BUILD)/gen -c -o $@ $<

# The wire codec: terse definitions in, C out.
MSGS := $(sort $(wildcard cmd/kc-broker/wire/*.msg))
$(BUILD)/gen/wire/messages.h: $(BUILD)/gen/wiregen $(MSGS)
	@mkdir -p $(@D)
	$(call note,GEN)
	$(Q)$(BUILD)/gen/wiregen $(@D) $(MSGS)
$(BUILD)/gen/wire/messages.c: $(BUILD)/gen/wire/messages.h ;
$(BUILD)/gen/wiregen: $(wildcard cmd/kc-broker/wire/gen/*.[ch]) $(BUILD)/lib/base.a
	@mkdir -p $(@D)
	$(call note,LINK)
	$(Q)$(CC) $(filter-out -MMD -MP,$(ALL_CFLAGS)) -iquote lib $(ALL_LDFLAGS) -o $@ \
		$(filter %.c,$^) $(BUILD)/lib/base.a

objects = $(patsubst $(1)/%.c,$(BUILD)/obj/$(2)/%.o,$(sort $(wildcard $(1)/$(3)/*.c)))
define archive # name, source root, object root, folder, extra objects
$(BUILD)/$(1)/$(4).a: $(call objects,$(2),$(3),$(4)) $(5)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call note,AR)
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach d,$(LIBS),$(eval $(call archive,lib,lib,lib,$(d),)))
$(foreach d,$(BROKER),$(eval $(call archive,broker,cmd/kc-broker,broker,$(d),$(if $(filter wire,$(d)),$(BUILD)/obj/gen/wire/messages.o))))

$(TOOLS:%=$(BUILD)/bin/%): $(BUILD)/bin/%: $(BUILD)/obj/cmd/%.o $(TOOL_AR)
	@mkdir -p $(@D)
	$(call note,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(TOOL_LIBS)

# A tool of more ideas than one file holds has a folder of its own beside it.
$(foreach t,$(TOOLS),$(eval $(BUILD)/bin/$(t): $(call objects,cmd,cmd,$(t))))

$(BUILD)/bin/kc-broker: $(call objects,cmd/kc-broker,broker,.) $(BROKER_AR)
	@mkdir -p $(@D)
	$(call note,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(BROKER_LIBS)

# ---- unit tests: tests/unit/<folder>/<name>.c -------------------------------

UNITS := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/*/*.c)))
units: $(UNITS:%=$(BUILD)/unit/%)
.PHONY: units
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/gen/wire/messages.h
	@mkdir -p $(@D)
	$(call note,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) -MF $@.d -iquote lib -iquote cmd/kc-broker -iquote $(BUILD)/gen -iquote tests/unit \
		$(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(AR_$(*D)) -Wl,--end-group $(LIBS_$(*D))
$(foreach u,$(UNITS),$(eval $(BUILD)/unit/$(u): $$(AR_$(patsubst %/,%,$(dir $(u))))))

# Programs that tests use: the transactional load of tests/crash, commits of kc-lag's.
$(BUILD)/tests/%: tests/lib/%.c
	@mkdir -p $(@D)
	$(call note,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) -MF $@.d -iquote lib $(ALL_LDFLAGS) -o $@ $< -lrdkafka
units: $(BUILD)/tests/transact $(BUILD)/tests/commit

$(BUILD)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call note,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) -MF $@.d $(ALL_LDFLAGS) -o $@ $< $(BENCH_LIBS)

# ---- everything a machine needs, and what is done with it --------------------

DEPS_BUILD := gcc libc6-dev make librdkafka-dev libcjson-dev libyaml-dev libreadline-dev \
	libmicrohttpd-dev libssl-dev zlib1g-dev libzstd-dev liblz4-dev libsnappy-dev libpcre2-dev \
	libstdc++-12-dev
DEPS_DEMO  := $(DEPS_BUILD) jq gawk iso-codes unicode-data tzdata
DEPS_CHECK := $(DEPS_DEMO) bats zstd kcat procps python3 python3-confluent-kafka python3-kafka shellcheck mandoc tmux
DEPS_KAFKA := $(DEPS_CHECK) maven openjdk-17-jre-headless

# Installs what is missing of a list; asks nothing when all is there.
need = missing=$$(dpkg-query -W -f '$${Package} $${db:Status-Status}\n' $(1) 2>/dev/null | \
	awk '$$2 == "installed" { have[$$1] = 1 } END { n = split("$(1)", want); \
	for (i = 1; i <= n; i++) if (!(want[i] in have)) printf "%s ", want[i] }'); \
	if [ -n "$$missing" ]; then echo "installing: $$missing"; \
		if [ "$$(id -u)" != 0 ]; then echo "as root, please: apt-get install $$missing" >&2; exit 1; fi; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

deps:
	@$(call need,$(DEPS_CHECK))
deps-build:
	@$(call need,$(DEPS_BUILD))
deps-demo:
	@$(call need,$(DEPS_DEMO))

demo: deps-demo
	@$(MAKE) --no-print-directory -s all
	@tests/demo

check: deps
	@$(MAKE) --no-print-directory -s all units $(BUILD)/promtool
	@BUILD=$(BUILD) tests/run

asan: deps
	@$(MAKE) --no-print-directory -s BUILD=$(BUILD)/asan SAN=address,undefined all units $(BUILD)/asan/promtool
	@BUILD=$(BUILD)/asan tests/run

# What checks the Prometheus files. Unpacked, not installed: the package would start a server.
$(BUILD)/promtool:
	@mkdir -p $(@D)
	@dir=$$(mktemp -d) && trap 'rm -rf '$$dir EXIT && chmod 755 $$dir && get="apt-get download -qq prometheus" && \
		(cd $$dir && { $$get || { apt-get update -qq && $$get; }; } 2>/dev/null && \
		dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool) && mv $$dir/usr/bin/promtool $@

# Jars from Maven Central: all of them, or none and it is tried again.
jars = rm -rf $@.part && mvn -q -B -f $(1) dependency:copy-dependencies \
	-DoutputDirectory=$(abspath $@).part && mv $@.part $@
$(BUILD)/kafka-jars:
	@$(call jars,tests/lib/kafka/pom.xml)
$(BUILD)/schema-jars:
	@$(call jars,tests/schemas/pom.xml -DexcludeTransitive=true)

# The tools' bats files against three nodes of Apache Kafka.
KAFKA_SUITES := $(TOOLS:%=tests/%.bats) tests/crash-replay tests/crash-pipelines tests/pipelines.bats tests/handlers.bats \
	$(addprefix tests/kc-lag-,cases.bats partial.bats state.bats groups.bats kafka.bats prom.bats watch.bats) \
	$(addprefix tests/kc-dlq-,read.bats redrive.bats apply.bats capture.bats kafka.bats) \
	tests/lag-story.bats tests/kc-replay-cases.bats tests/crash-dlq tests/crash-kafka
check-kafka:
	@$(call need,$(DEPS_KAFKA))
	@$(MAKE) --no-print-directory -s all $(BUILD)/tests/commit $(BUILD)/kafka-jars
	@dir=$$(mktemp -d) && trap 'tests/lib/kafka/cluster stop '$$dir'; rm -rf '$$dir EXIT && \
		servers=$$(tests/lib/kafka/cluster start $$dir 3 $(BUILD)/kafka-jars) && \
		echo "Apache Kafka, three nodes: $$servers" && \
		KC_TEST_BROKERS=$$servers KC_TEST_CLUSTER=$$dir KC_TEST_JARS=$(abspath $(BUILD))/kafka-jars \
		BUILD=$(BUILD) JOBS=1 tests/run $(KAFKA_SUITES)

# House style and layers; then scripts and manual pages by their own linters.
check-style: all
	@BUILD=$(BUILD) CC='$(CC)' tests/check-style
lint:
	@$(call need,shellcheck mandoc)
	@shellcheck -S warning -x $$(grep -lIE '^#!.*(bash|/sh)$$' -r tests .ci 2>/dev/null) \
		$(wildcard tests/lib/*.bash) completions/kc.bash
	@shellcheck -S warning -s bats -e SC2030,SC2031 $(wildcard tests/*.bats)
	@! mandoc -T lint -W warning $(MANUALS) | grep -v 'referenced manual not found'

# ---- where things go --------------------------------------------------------
# bash and fish look for completions under the command's name, zsh in all files.

MANUALS  := $(sort $(wildcard man/*.[1-8]))
MONITORING := $(sort $(wildcard lib/monitoring/*))
BIN_DIR   = $(DESTDIR)$(PREFIX)/bin
SHARE_DIR = $(DESTDIR)$(PREFIX)/share
BASH_DIR  = $(SHARE_DIR)/bash-completion/completions
ZSH_DIR   = $(SHARE_DIR)/zsh/site-functions
FISH_DIR  = $(SHARE_DIR)/fish/vendor_completions.d
INSTALLED = $(PROGRAMS:%=$(BIN_DIR)/%) $(PROGRAMS:%=$(BASH_DIR)/%) \
	$(ZSH_DIR)/_kc $(PROGRAMS:%=$(FISH_DIR)/%.fish) \
	$(foreach m,$(MANUALS),$(SHARE_DIR)/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m))) \
	$(MONITORING:lib/monitoring/%=$(SHARE_DIR)/kc/%)

install: all
	install -d $(sort $(dir $(INSTALLED)))
	install $(PROGRAMS:%=$(BUILD)/bin/%) $(BIN_DIR)
	install -m 644 $(MONITORING) $(SHARE_DIR)/kc
	for m in $(MANUALS); do install -m 644 $$m $(SHARE_DIR)/man/man$${m##*.} || exit 1; done
	for p in $(PROGRAMS); do install -m 644 completions/kc.bash $(BASH_DIR)/$$p && \
		install -m 644 completions/kc.fish $(FISH_DIR)/$$p.fish || exit 1; done
	install -m 644 completions/kc.zsh $(ZSH_DIR)/_kc
uninstall:
	rm -f $(INSTALLED)
.PHONY: check-style lint install uninstall

# Our message definitions against Kafka's schemas and message classes; needs the network once.
SCHEMA_JARS = $(BUILD)/schema-jars
check-schemas: $(BUILD)/schemas/dump
	@$(call need,maven openjdk-17-jdk-headless python3)
	@$(MAKE) --no-print-directory -s $(SCHEMA_JARS)
	@tests/schemas/schemas.py $(SCHEMA_JARS) $(MSGS)
	@$< | java -cp '$(SCHEMA_JARS)/*' tests/schemas/Again.java
$(BUILD)/schemas/dump: tests/schemas/dump.c $(AR_wire)
	@mkdir -p $(@D)
	$(call note,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) -MF $@.d -iquote lib -iquote cmd/kc-broker -iquote $(BUILD)/gen -iquote tests/unit \
		$(ALL_LDFLAGS) -o $@ $< $(AR_wire)
.PHONY: check-schemas

# Each tests/fuzz/<name>.c for FUZZ_SECONDS, from the seeds in tests/fuzz/seeds/<name>/.
FUZZ_SECONDS ?= 20
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/*.c)))
FUZZ_AR  = $(filter-out %/main.o,$(call objects,cmd/kc-broker,broker,.)) $(BROKER_AR) $(BUILD)/lib/model.a
fuzz:
	@$(call need,clang)
	@$(MAKE) --no-print-directory -s CC=clang BUILD=$(BUILD)/fuzz SAN=fuzzer-no-link,address,undefined $(FUZZERS:%=fuzz-%)
$(FUZZERS:%=fuzz-%): fuzz-%: $(BUILD)/run/%
	@mkdir -p $(BUILD)/corpus/$*
	@$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -verbosity=0 -artifact_prefix=$(BUILD)/$*- \
		$(BUILD)/corpus/$* $(wildcard tests/fuzz/seeds/$*) >$<.log 2>&1 || { cat $<.log; exit 1; }
	@echo "fuzz $*: $(FUZZ_SECONDS) s, nothing found"
$(BUILD)/run/%: tests/fuzz/%.c $(FUZZ_AR)
	@mkdir -p $(@D)
	$(call note,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) -MF $@.d -iquote lib -iquote cmd/kc-broker -iquote $(BUILD)/gen -iquote tests/unit \
		$(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< -Wl,--start-group $(FUZZ_AR) -Wl,--end-group \
		-lcjson -lyaml -lreadline $(BROKER_LIBS)
.PHONY: fuzz $(FUZZERS:%=fuzz-%)

crash: deps
	@$(MAKE) --no-print-directory -s all $(BUILD)/tests/transact $(BUILD)/unit/store/torture
	@KC_TORTURE=$${CHAINS:-3000} $(BUILD)/unit/store/torture
	@ROUNDS=$${ROUNDS:-500} FILL_MB=$${FILL_MB:-2048} KC_BIN=$(abspath $(BUILD))/bin tests/crash
	@ROUNDS=$${ROUNDS_TOOLS:-200} LOGS=$(BUILD)/crash-logs KC_BIN=$(abspath $(BUILD))/bin tests/crash-tools

bench: deps
	@$(MAKE) --no-print-directory -s all $(BUILD)/bench/start
	@KC_BIN=$(abspath $(BUILD))/bin tests/bench/pipes
	@KC_BIN=$(abspath $(BUILD))/bin tests/bench/starts

# Takes each guard of the broker's promises away, and expects its test to notice.
guards:
	@$(call need,$(DEPS_BUILD))
	@tests/guards

# kc-replay beside reading and writing; RECORDS=, RUNS= as tests/bench/replay explains.
bench-replay: deps
	@$(MAKE) --no-print-directory -s all
	@KC_BIN=$(abspath $(BUILD))/bin tests/bench/replay
.PHONY: deps deps-build deps-demo demo check asan check-kafka crash bench guards bench-replay

# Other people's clients against kc-broker; their packages come over the network once.
COMPAT ?= confluent-kafka kafka-python aiokafka kafkajs franz-go sarama java
compat:
	@$(call need,$(DEPS_CHECK) maven openjdk-17-jdk-headless python3-venv)
	@$(MAKE) --no-print-directory -s all
	@failed=; for c in $(COMPAT); do echo "== $$c"; BUILD=$(BUILD) tests/compat/$$c/run || failed="$$failed $$c"; done; \
		[ -z "$$failed" ] || { echo "did not pass:$$failed" >&2; exit 1; }

# kc-broker beside Apache Kafka; QUICK=1, RUNS=, SYSTEMS= as tests/bench/broker explains.
bench-broker:
	@$(call need,$(DEPS_KAFKA))
	@$(MAKE) --no-print-directory -s all $(BUILD)/bench/broker-load $(BUILD)/kafka-jars
	@KC_BIN=$(abspath $(BUILD))/bin KAFKA_JARS=$(abspath $(BUILD))/kafka-jars tests/bench/broker
$(BUILD)/bench/broker-load: private BENCH_LIBS = -lrdkafka
.PHONY: compat bench-broker

# kc-lag by groups and by partitions; KAFKA_JARS=, KC_BENCH_BROKERS= as tests/bench/lag explains.
bench-lag: deps
	@$(MAKE) --no-print-directory -s all $(BUILD)/tests/commit
	@KC_BIN=$(abspath $(BUILD))/bin tests/bench/lag
.PHONY: bench-lag

clean:
	rm -rf $(BUILD)
.PHONY: clean

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
