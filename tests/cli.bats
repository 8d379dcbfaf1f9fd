# What all tools share: options, help, configuration, exit statuses. No broker is needed.
# shellcheck disable=SC2154,SC2016
load lib/kc

TOOLS=(kc-produce kc-consume kc-topics kc-lag kc-dlq kc-replay)
PROGRAMS=("${TOOLS[@]}" kc-broker)

setup() {
	unset KC_BROKERS
	export HOME=$BATS_TEST_TMPDIR XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
	mkdir -p "$XDG_CONFIG_HOME/kc"
	config=$XDG_CONFIG_HOME/kc/config.yaml
}

# The value and the origin of a property, as -X dump has them.
dumped() { # PROPERTY OPTION...
	local name=$1
	shift
	kc-topics -X dump "$@" | sed -n "s/^$name = //p"
}

@test "--help is on stdout, fits 80 columns, and wins over everything else" {
	for t in "${PROGRAMS[@]}"; do
		exits 0 "$t" --bogus -c x --help
		[[ $output == "Usage: $t "* && -z $stderr ]]
		[[ $(awk 'length > 80' <<<"$output") == "" ]]
		exits 0 "$t" -h
		[[ $output == *"For more details see $t("* ]]
	done
	exits 0 kc-topics create --help
	[[ $output == *--partitions* && $output != *--if-exists* ]]
}

@test "--version is one line with the library's" {
	for t in "${TOOLS[@]}"; do
		exits 0 "$t" -V
		[[ $output =~ ^$t\ [0-9]+\.[0-9]+\.[0-9]+\ \(librdkafka\ [0-9.]+\)$ ]]
	done
	exits 0 kc-broker --version
	[[ $output =~ ^kc-broker\ [0-9.]+$ ]]
}

@test "help behind a full disk or a closed pipe is not a success" {
	exits 1 bash -c 'kc-topics --help >/dev/full'
	says "kc-topics: cannot write to stdout: No space left on device"
	run bash -c 'kc-consume --dump-options | true; echo ${PIPESTATUS[0]}'
	[[ $output == 141 || $output == 0 ]]
	[[ ${#lines[@]} -eq 1 ]]
}

@test "a closed stdout is an error, and no other file takes its place" {
	exits 1 bash -c 'kc-topics -X dump >&-'
	says "kc-topics: cannot write to stdout: Bad file descriptor"
	exits 1 bash -c 'kc-topics --help >&- <&-'
	says "cannot write to stdout: Bad file descriptor"
}

@test "--dump-options has seven fields an option" {
	for t in "${PROGRAMS[@]}"; do
		exits 0 "$t" --dump-options
		awk -F '\t' '$1 == "option" && NF != 7 || $1 == "command" && NF != 4 { exit 1 }' <<<"$output"
		grep -q $'^option\t-\t-h\t--help\t-\t-\t' <<<"$output"
		# Each letter and each name once a scope.
		awk -F '\t' '$1 == "option" && $3 != "-" && seen[$2 $3]++ { print; bad = 1 }
			$1 == "option" && seen[$2 $4]++ { print; bad = 1 } END { exit bad }' <<<"$output"
	done
}

@test "a mistake in options is exit 2 and one line with the remedy" {
	for t in "${PROGRAMS[@]}"; do
		exits 2 "$t" --bogus-option
		[[ -z $output && $stderr == "$t: unknown option '--bogus-option' (try: $t --help)" ]]
		exits 2 "$t" --verison
		says "did you mean '--version'?"
		exits 2 "$t" --help=yes
		says "option '--help' takes no value"
	done
	exits 2 kc-consume x -c
	says "option '--count' needs a value"
	exits 2 kc-consume x -c many
	says "option '--count' wants a whole number from 1 on, not 'many'"
	exits 2 kc-consume x --color purple
	says "option '--color' wants one of auto, always, never, not 'purple'"
	exits 2 kc-consume x --raw -j
	says "options '--raw' and '--json-values' exclude each other"
	exits 2 kc-topics list --timeout soon
	says "'soon' is not a duration"
	exits 2 kc-topics crate x
	says "unknown command 'crate' (did you mean 'create'?"
	exits 2 kc-topics ls
	says "unknown command 'ls' (there are list, show, create, delete, alter, trim; try: kc-topics --help)"
	exits 2 kc-topics del x
	says "did you mean 'delete'?"
	exits 2 kc-broker --data x
	says "did you mean '--data-dir'?"
	exits 2 kc-topics list --if-exists
	says "option '--if-exists' belongs to 'kc-topics delete'"
}

@test "without settings the broker is localhost:9092, by default" {
	[[ $(dumped bootstrap.servers) == "localhost:9092    # default" ]]
}

@test "option, file, environment, profile, configuration file: each covers the next" {
	cat >"$config" <<-'end'
		brokers: top:1
		profiles:
		  prod:
		    brokers: prod:1
	end
	[[ $(dumped bootstrap.servers) == "top:1    # $config" ]]
	[[ $(dumped bootstrap.servers --profile prod) == "prod:1    # profile 'prod' of $config" ]]
	export KC_PROFILE=prod
	[[ $(dumped bootstrap.servers) == "prod:1 "* ]]
	export KC_X_BOOTSTRAP_SERVERS=env:1
	[[ $(dumped bootstrap.servers) == 'env:1    # $KC_X_BOOTSTRAP_SERVERS' ]]
	export KC_BROKERS=env:2
	[[ $(dumped bootstrap.servers) == 'env:2    # $KC_BROKERS' ]]
	echo bootstrap.servers=file:1 >"$BATS_TEST_TMPDIR/p"
	[[ $(dumped bootstrap.servers -F "$BATS_TEST_TMPDIR/p") == "file:1    # $BATS_TEST_TMPDIR/p line 1" ]]
	[[ $(dumped bootstrap.servers -F "$BATS_TEST_TMPDIR/p" -X metadata.broker.list=x:1) == "x:1    # -X" ]]
	[[ $(dumped bootstrap.servers -F "$BATS_TEST_TMPDIR/p" -X bootstrap.servers=x:1 -b b:1) == "b:1    # -b" ]]
	unset KC_PROFILE KC_X_BOOTSTRAP_SERVERS KC_BROKERS
}

@test "a configuration file that was asked for must be there" {
	for t in "${TOOLS[@]}"; do
		exits 2 "$t" --config /nonexistent/c.yaml -X dump
		says "$t: cannot open '/nonexistent/c.yaml': No such file or directory"
		exits 2 "$t" -F /nonexistent/p -X dump
		says "$t: cannot open '/nonexistent/p': No such file or directory"
	done
	KC_CONFIG=/nonexistent/k.yaml exits 2 kc-topics
	says "cannot open '/nonexistent/k.yaml'"
	exits 2 kc-topics --profile prod
	says "there is no profile 'prod'"
}

@test "mistakes in the configuration file have their line" {
	printf 'brokers: a\nporfiles: {}\n' >"$config"
	exits 2 kc-topics
	says "'$config' line 2: unknown key 'porfiles' (did you mean 'profiles'?)"
	printf 'brokers: [a\nb: c\n' >"$config"
	exits 2 kc-topics
	says "'$config' line 2: "
	printf 'profiles: {prod: {brokers: a}}\n' >"$config"
	exits 2 kc-topics --profile pord
	says "there is no profile 'pord' in '$config' (did you mean 'prod'?)"
}

@test "secrets are hidden, and refused where others can read them" {
	printf 'properties: {sasl.password: hush}\n' >"$config"
	chmod 644 "$config"
	exits 2 kc-topics -X dump
	says "'$config' holds a secret ('sasl.password') and other users can read it (try: chmod 600 '$config')"
	[[ $stderr != *hush* ]]
	chmod 600 "$config"
	exits 0 kc-topics -X dump
	[[ $output == *"sasl.password = [hidden]    # $config"* && $output != *hush* ]]
	exits 2 kc-topics -X sasl.password=hush
	[[ $stderr == *"-X sasl.password=..."* && $stderr != *hush* ]]
	KC_X_SASL_PASSWORD=hush exits 0 kc-topics -X dump
	[[ $output == *'sasl.password = [hidden]    # $KC_X_SASL_PASSWORD'* && $output != *hush* ]]
}

@test "a Java client's file loads as it is" {
	cat >"$BATS_TEST_TMPDIR/client.properties" <<-'end'
		bootstrap.servers=k:9092
		security.protocol=SASL_PLAINTEXT
		sasl.mechanism=PLAIN
		sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
		    username="shop" \
		    password="hush";
		key.serializer=org.apache.kafka.common.serialization.StringSerializer
		ssl.endpoint.identification.algorithm=
		max.request.size=2000000
	end
	chmod 600 "$BATS_TEST_TMPDIR/client.properties"
	exits 0 kc-topics -F "$BATS_TEST_TMPDIR/client.properties" -X dump
	[[ $output == *"bootstrap.servers = k:9092 "* && $output == *"sasl.username = shop "* ]]
	[[ $output == *"sasl.mechanisms = PLAIN "* && $output == *"sasl.password = [hidden] "* ]]
	[[ $output == *"ssl.endpoint.identification.algorithm = none "* ]]
	[[ $output == *"message.max.bytes = 2000000 "* && $output != *serializer* ]]
	exits 0 kc-topics -F "$BATS_TEST_TMPDIR/client.properties" -X dump -v
	says "'key.serializer' means nothing to librdkafka; ignored"
}

@test "an unknown property is exit 2 with the nearest name" {
	for t in "kc-produce topic --raw" "kc-consume topic" kc-topics; do
		# shellcheck disable=SC2086 # words on purpose
		exits 2 $t -X bootstap.servers=x -b localhost:1 </dev/null
		says "unknown property 'bootstap.servers' from -X"
		says "did you mean bootstrap.servers?"
	done
}

@test "a property's bad value is exit 2 and says which are good" {
	exits 2 kc-topics -X security.protocol=tls
	says "bad value 'tls' of property 'security.protocol' from -X (it is one of plaintext, ssl, sasl_plaintext, sasl_ssl)"
	exits 2 kc-produce t -X linger.ms=soon
	says "bad value 'soon' of property 'linger.ms' from -X (it is 0 .. 900000)"
	KC_X_SASL_PASSWORD=x exits 2 kc-topics -X security.protocol=sasl_ssl -X sasl.mechanism=SCRAM -X sasl.username=x
	says "Unsupported SASL mechanism: SCRAM (it is one of PLAIN, SCRAM-SHA-256,"
	exits 2 kc-topics -X security.protocol=sasl_ssl -X sasl.mechanism=PLAIN -X sasl.username=x
	says "sasl.password must be set (kc.conf(5) says where to put a password)"
}

@test "what is no broker, and a file of TLS that cannot be read, is exit 2 at once" {
	local b
	for b in http://localhost:9092 localhost:99999 localhost:0 localhost:x 'local host' h:1/x ssl://h:1 '' ','; do
		exits 2 kc-topics -b "$b"
		says "'$b' from -b is no broker"
	done
	exits 2 kc-topics -b "h:1, h:99999"
	says "'h:99999' from -b is no broker"
	for b in h h:1 'h:1, g:2,' '[::1]' '[::1]:1' ::1 PLAINTEXT://h:1; do
		exits 75 kc-topics --timeout 1ms -b "${b//[gh]/localhost}"
	done
	exits 2 kc-topics -X security.protocol=SSL -b ssl://h:1 -X ssl.ca.location=/nonexistent
	says "cannot read '/nonexistent', ssl.ca.location from -X: No such file or directory"
	echo junk >"$BATS_TEST_TMPDIR/junk"
	exits 2 kc-topics -X security.protocol=ssl -X ssl.key.location="$BATS_TEST_TMPDIR/junk"
	says "ssl.key.location failed:"
	says "(is it PEM, and ssl.key.password right?)"
	# Who looks for the mistake is shown what is set.
	[[ $(dumped bootstrap.servers -b h:x) == "h:x    # -b" ]]
}

@test "-X list prints librdkafka's properties" {
	for t in "${TOOLS[@]}"; do
		exits 0 "$t" -X list
		[[ $output == *bootstrap.servers* && $output == *linger.ms* ]]
	done
}

@test "-X profiles prints the configuration file's, and runs nothing" {
	local file=$BATS_TEST_TMPDIR/profiles.yaml
	printf '%s\n' 'default_profile: dev' 'profiles:' '  dev:' '    properties:' \
		"      sasl.password: {command: touch $BATS_TEST_TMPDIR/ran}" '  prod:' '    brokers: h:1' >"$file"
	for t in "${TOOLS[@]}"; do
		exits 0 "$t" -X profiles --config "$file"
		[[ $output == $'dev\nprod' && ! -e $BATS_TEST_TMPDIR/ran ]]
	done
	exits 0 kc-topics -X profiles
	[[ -z $output$stderr ]]
	exits 2 kc-topics -X profiles --config "$file.none"
	says "No such file"
	printf 'profiles: [\n' >"$file"
	exits 2 kc-topics -X profiles --config "$file"
	says "line"
}

@test "an unreachable broker is exit 75 with the cause and the remedy" {
	exits 75 kc-topics -b localhost:1 --timeout 2s
	says "kc-topics: cannot reach broker 'localhost:1': connection refused (is it running? try: kc-broker)"
	exits 75 kc-consume -b localhost:1 --timeout 2s -e topic
	says "connection refused"
	[[ -z $output ]]
	exits 75 kc-produce -b localhost:1 --timeout 2s topic --raw <<<"a line"
	says "connection refused"
}

@test "SIGTERM during a wait ends a tool as that signal, at once" {
	local err=$BATS_TEST_TMPDIR/err
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	for t in "kc-produce topic --raw" "kc-consume topic" kc-topics; do
		# made by the tool's own shell: words of the tool before are none of this one
		rm -f "$err"
		# shellcheck disable=SC2086 # words on purpose
		$t -b localhost:1 --timeout 60s <>"$BATS_TEST_TMPDIR/fifo" 2>"$err" 3>&- &
		pid=$!
		eventually grep -qs 'still trying' "$err"
		kill -TERM $pid
		status=0
		wait $pid || status=$?
		cat "$err" >&2
		[[ $status -eq 143 ]]
		[[ $(wc -l <"$err") -eq 1 ]]
	done
}

@test "make install puts everything where it is looked for, and uninstall takes it away" {
	local d=$BATS_TEST_TMPDIR/root build
	build=$(dirname "$(dirname "$(command -v kc-topics)")")
	exits 0 env -u MAKEFLAGS make -s -o all -C "$ROOT" BUILD="$build" DESTDIR="$d" PREFIX=/usr install
	for t in "${PROGRAMS[@]}"; do
		[[ -x $d/usr/bin/$t ]]
		[[ -s $d/usr/share/man/man1/$t.1 || -s $d/usr/share/man/man8/$t.8 ]]
		[[ -s $d/usr/share/bash-completion/completions/$t ]]
		[[ -s $d/usr/share/fish/vendor_completions.d/$t.fish ]]
	done
	[[ -s $d/usr/share/zsh/site-functions/_kc && -s $d/usr/share/man/man7/kc.7 && -s $d/usr/share/man/man5/kc.conf.5 ]]
	exits 0 env -u MAKEFLAGS make -s -o all -C "$ROOT" BUILD="$build" DESTDIR="$d" PREFIX=/usr uninstall
	[[ -z $(find "$d" -type f) ]]
}

@test "bash completes options, values and verbs" {
	run kc-broker --ephemeral -- bash -c '. "$1/completions/kc.bash"
		try() { COMP_LINE=$1 COMP_POINT=${#1}; _kc "${1%% *}"; echo "${COMPREPLY[*]}"; }
		try "kc-topics cr"
		try "kc-topics create --part"
		try "kc-topics --color=al"
		try "kc-consume topic --exit"
		kc-topics create -q completed
		broker=$KC_BROKERS
		unset KC_BROKERS
		try "kc-consume -b $broker compl"
		try "kc-topics -b $broker alter completed -c retention.m"
		try "kc-topics -b $broker alter completed -c retention.ms="
		try "kc-produce completed -X sasl.usern"
		try "kc-consume completed -o st"
		mkdir -p "$XDG_CONFIG_HOME/kc"
		printf "profiles: {production: {brokers: h:1}, proof: {brokers: h:1}}" >"$XDG_CONFIG_HOME/kc/config.yaml"
		try "kc-lag --profile prod"
		echo "profiles: {mine: {brokers: h:1}}" >"$XDG_CONFIG_HOME/other"
		try "kc-lag --config $XDG_CONFIG_HOME/other --profile="
		try "kc-topics -X prof"
		rm "$XDG_CONFIG_HOME/kc/config.yaml"' - "$ROOT"
	[[ ${lines[0]} == create && ${lines[1]} == --partitions && ${lines[2]} == always && ${lines[3]} == --exit-at-end ]]
	[[ ${lines[4]} == completed && ${lines[5]} == retention.ms= && ${lines[6]} == sasl.username= && ${lines[7]} == stored ]]
	[[ ${lines[8]} == production && ${lines[9]} == mine && ${lines[10]} == profiles ]]
}
