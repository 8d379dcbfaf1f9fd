#!/usr/bin/env bats
# kc-lag --watch on a real terminal, inside tmux.
load lib/kc

setup_file() {
	start_broker
	kc-topics create -q orders-of-watch
	seq 400 | kc-produce -q --raw orders-of-watch
	kc-consume -q -g watch-billing -c 100 orders-of-watch >/dev/null
	kc-consume -q -g watch-audit -e orders-of-watch >/dev/null
}

teardown_file() {
	stop_broker
}

setup() {
	socket=$BATS_TEST_TMPDIR/tmux
}

teardown() {
	[[ -z ${own-} ]] || kill "$own" 2>/dev/null || true
	tmux -S "$socket" kill-server 2>/dev/null || true
}

# Starts it on a terminal of so many columns and lines; its exit status is shown behind "status".
watch() { # WIDTH HEIGHT [OPTION...]
	local width=$1 height=$2
	shift 2
	tmux -S "$socket" -f /dev/null new-session -d -x "$width" -y "$height" \
		"trap : INT; echo before; kc-lag -W 200ms $* '^watch-' 2>$BATS_TEST_TMPDIR/err; echo status \$?; cat" 3>&- 4>&- 8>&-
}

screen() {
	tmux -S "$socket" capture-pane -p -t 0 2>/dev/null
}

shows() { # TEXT
	[[ $(screen) == *"$1"* ]]
}

hides() { # TEXT
	[[ $(screen) != *"$1"* ]]
}

# The clock is no longer $at.
moved_on() {
	[[ $(screen | grep -o '[0-9:]*Z$') != "$at" ]]
}

press() { # KEY...
	tmux -S "$socket" send-keys -t 0 "$@"
}

@test "groups, worst first; a lag that changes is seen" {
	watch 100 20
	eventually shows 'kc-lag  2 groups  lag 300'
	[[ $(screen | sed -n 4p) == watch-billing* ]]
	[[ $(screen | sed -n 5p) == watch-audit* ]]
	[[ $(screen | sed -n 4p) == *STOPPED* ]]
	kc-consume -q -g watch-billing -c 50 orders-of-watch >/dev/null
	eventually shows 'lag 250'
	seq 50 | kc-produce -q --raw orders-of-watch
	kc-consume -q -g watch-audit -e orders-of-watch >/dev/null
	eventually shows 'lag 300'
}

@test "into a group, its members, and back; order and filter" {
	watch 100 20
	eventually shows 'watch-billing'
	press Enter
	eventually shows 'kc-lag  watch-billing'
	shows 'orders-of-watch'
	press m
	eventually shows '(nobody)'
	press Escape
	eventually shows '2 groups'
	press n
	eventually shows 'by name'
	[[ $(screen | sed -n 4p) == watch-audit* ]]
	press / a u d
	eventually shows 'filter: aud_'
	eventually hides 'watch-billing'
	press Enter
	eventually shows 'filter: aud   (Esc'
	press Escape
	eventually shows 'watch-billing'
	press '?'
	eventually shows 'members of the group'
}

@test "40 columns, 200 columns, and a resize between" {
	watch 40 10
	eventually shows 'watch-billing'
	[[ $(screen | sed -n 3p) == GROUP*LAG*AGE*STATUS* ]]
	hides TREND
	tmux -S "$socket" resize-window -t 0 -x 200 -y 30
	eventually shows TREND
	shows WHY
	[[ $(screen | sed -n 4p) == watch-billing* ]]
	tmux -S "$socket" resize-window -t 0 -x 40 -y 10
	eventually hides TREND
	[[ $(screen | awk 'length > 40' | wc -l) = 0 ]]
}

@test "q puts the terminal back as it was, exit 0" {
	watch 80 10
	eventually shows 'watch-billing'
	press q
	eventually shows 'status 0'
	shows before
	hides watch-billing
	[[ ! -s $BATS_TEST_TMPDIR/err ]]
	[[ $(tmux -S "$socket" display-message -p -t 0 '#{alternate_on} #{cursor_flag}') = '0 1' ]]
}

@test "^C puts the terminal back too, exit 130" {
	watch 80 10
	eventually shows 'watch-billing'
	press C-c
	eventually shows 'status 130'
	[[ $(tmux -S "$socket" display-message -p -t 0 '#{alternate_on} #{cursor_flag}') = '0 1' ]]
}

@test "a terminal that is gone ends it" {
	tmux -S "$socket" -f /dev/null new-session -d -x 80 -y 10 \
		"echo \$\$ >$BATS_TEST_TMPDIR/pid; exec kc-lag -W 200ms '^watch-'" 3>&- 4>&- 8>&-
	eventually shows 'watch-billing'
	tmux -S "$socket" kill-server
	eventually is_gone "$(<"$BATS_TEST_TMPDIR/pid")"
}

@test "brokers that are gone are told in the last line, and keys still work" {
	only_kc_broker
	local dir=$BATS_TEST_TMPDIR/own fifo=$BATS_TEST_TMPDIR/ready
	mkfifo "$fifo"
	kc-broker --port 0 --data-dir "$dir" --ready-fd 9 9>"$fifo" 2>/dev/null 3>&- 4>&- &
	own=$!
	read -r -t 60 KC_BROKERS <"$fifo"
	seq 10 | kc-produce -q --raw watched
	kc-consume -q -g watch-own -c 4 watched >/dev/null
	watch 80 10 --timeout 1s -b "$KC_BROKERS"
	eventually shows 'lag 6'
	kill -9 "$own"
	eventually is_gone "$own"
	eventually shows 'cannot reach broker'
	press '?'
	eventually shows 'members of the group'
	press q
	eventually shows 'status 0'
}

@test "the head: the age of the oldest unread record, and from when that is" {
	watch 100 20
	eventually shows 'lag 300  oldest '
	[[ $(screen | head -n 1) =~ oldest\ ([0-9.]+[a-z]+)+\ +[0-9]{2}:[0-9]{2}:[0-9]{2}Z$ ]]
	press Enter
	eventually shows 'kc-lag  watch-billing'
	[[ $(screen | head -n 1) == 'kc-lag  watch-billing  lag 300  oldest '* ]]
}

# Each measuring reads the oldest records again; meanwhile others are written, and read.
@test "ages are there look after look, beside a load" {
	kc-topics create -q watched-load -p 4
	: >"$BATS_TEST_TMPDIR/going"
	while [[ -e $BATS_TEST_TMPDIR/going ]]; do
		seq 100
		pause 0.01
	done 3>&- 4>&- 8>&- | kc-produce -q --raw watched-load >/dev/null 3>&- 4>&- 8>&- &
	for p in 0 1 2 3; do
		"$ROOT/${BUILD:-build}/tests/commit" watch-load "watched-load/$p/1"
	done
	watch 100 20
	eventually shows 'watch-load'
	press / l o a d Enter Enter
	eventually shows 'kc-lag  watch-load  lag '
	for _ in 1 2 3 4 5; do
		[[ $(screen | head -n 1) == *'  oldest '* ]]
		[[ $(screen | grep -cE '^watched-load .* [0-9.]+(ms|s|m) ') == 4 ]]
		at=$(screen | grep -o '[0-9:]*Z$')
		eventually moved_on
	done
	rm "$BATS_TEST_TMPDIR/going"
}

# A warning belongs on stderr, and that is the screen.
@test "what is told beside the screen does not spoil it" {
	tmux -S "$socket" -f /dev/null new-session -d -x 80 -y 12 \
		"XDG_STATE_HOME=/dev/null/x kc-lag -W 200ms '^watch-'; cat" 3>&- 4>&- 8>&-
	eventually shows 'watch-billing'
	at=$(screen | grep -o '[0-9:]*Z$')
	eventually moved_on
	at=$(screen | grep -o '[0-9:]*Z$')
	eventually moved_on
	hides warning
}

@test "what is drawn on a slow line is only what has changed" {
	watch 80 12
	eventually shows 'watch-billing'
	local begin=${EPOCHREALTIME/./} rounds
	tmux -S "$socket" pipe-pane -t 0 "cat >$BATS_TEST_TMPDIR/bytes"
	at=$(screen | grep -o '[0-9:]*Z$')
	eventually moved_on
	at=$(screen | grep -o '[0-9:]*Z$')
	eventually moved_on
	tmux -S "$socket" pipe-pane -t 0
	# at most the lines with a clock or a trend: nothing near a screen of 80 x 12 each 200 ms
	rounds=$(((${EPOCHREALTIME/./} - begin) / 200000 + 1))
	[[ $(wc -c <"$BATS_TEST_TMPDIR/bytes") -lt $((500 * rounds)) ]] || { echo "$rounds rounds"; wc -c "$BATS_TEST_TMPDIR/bytes"; false; }
	[[ -s $BATS_TEST_TMPDIR/bytes ]]
}
