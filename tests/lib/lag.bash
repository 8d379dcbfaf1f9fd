# lag.bash - what the suites of kc-lag share: `load lib/lag` behind lib/kc.
#
#   ten_records                in setup: topic $t with ten records in partition 0 of two, group $g, a state of its own
#   commit GROUP TOPIC/PARTITION/OFFSET...   commits for a group without members
#   member OPTION...           a member that stays, until end_members; its words are in member.N
#   holder GROUP CLIENT TOPIC...   a member that stays, and commits nothing
#   stable GROUP MEMBERS       the group has so many, and is Stable
#   rows GROUP MEMBER...       its rows, a line each: the members named, "-" where absent
#   rows_are WANTED GROUP MEMBER...
#   is TEXT WANTED             or says what it is
#   fault RULE                 of kc-broker
#   ask NAME VERSION JSON OK   a request to whichever broker answers it so that OK holds, in jq; it is in "reply"
#   at_terminal COMMAND        runs a line of shell on a terminal of 200 columns; $lines as it shows them
# shellcheck shell=bash disable=SC2154,SC2034,SC2164

ten_records() {
	cd "$BATS_TEST_TMPDIR"
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	export KC_BROKER_ADMIN=$BATS_FILE_TMPDIR/broker/.admin
	t=$(topic)
	g=$t-g
	kc-topics create -q "$t" -p 2 -c retention.ms=-1
	seq 10 | kc-produce -q --raw "$t" -p 0
}

commit() {
	"$ROOT/${BUILD:-build}/tests/commit" "$@"
}

member() {
	kc-consume "$@" -q >"member.${#pids}" 2>&1 3>&- 4>&- &
	pids="${pids-} $!"
}

holder() {
	kcat -b "$KC_BROKERS" -X client.id="$2" -X enable.auto.offset.store=false -G "$1" "${@:3}" \
		>"holder.${#pids}" 2>&1 </dev/null 3>&- 4>&- &
	pids="${pids-} $!"
}

end_members() {
	local pid
	for pid in ${pids-}; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	pids=
}

stable() {
	kc-lag list --json | jq -se --arg g "$1" --argjson n "$2" 'any(.group == $g and .state == "Stable" and .members == $n)' >/dev/null
}

rows() {
	local group=$1
	shift
	kc-lag "$group" --json ${opts-} >rows.json || true
	jq -r '. as $r | $ARGS.positional | map($r[.] // (if $r[.] == false then false else "-" end) | tostring) | join(" ")' \
		--args "$@" <rows.json
}

is() {
	[[ $1 == "$2" ]] || { printf "got '%s'\nnot '%s'\n" "$1" "$2"; return 1; }
}

rows_are() {
	local want=$1
	shift
	is "$(rows "$@")" "$want"
}

fault() {
	kc-broker fault add "$1" >/dev/null
}

ask() {
	local b
	for b in ${KC_BROKERS//,/ }; do
		"$ROOT/tests/lib/ask" "$b" "$1" "$2" "$3" >reply
		jq -e "$4" reply >/dev/null && return
	done
	cat reply
	return 1
}

delete_records() { # TOPIC PARTITION OFFSET: all before it
	ask DeleteRecords 2 "$(jq -cn --arg t "$1" --argjson p "$2" --argjson o "$3" '{Topics: [{Name: $t,
		Partitions: [{PartitionIndex: $p, Offset: $o}]}], TimeoutMs: 5000}')" '.Topics[0].Partitions[0].ErrorCode == 0'
}

at_terminal() {
	NO_COLOR=1 run script -qec "stty cols 200 rows ${ROWS-50}; $1" /dev/null
	lines=("${lines[@]%$'\r'}")
}
