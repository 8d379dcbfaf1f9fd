#!/usr/bin/env bats
# The files for Prometheus and Grafana in lib/monitoring: promtool reads them, the alerts
# fire on what they are for, and no series is named that kc-lag does not write.
load lib/kc

promtool() {
	"${KC_BIN:-$ROOT/build/bin}/../promtool" "$@"
}

rules=$ROOT/lib/monitoring/kc-lag.rules.yaml
dashboard=$ROOT/lib/monitoring/kc-lag.grafana.json

@test "the alert rules are rules" {
	exits 0 promtool check rules "$rules"
	[[ $output == *'7 rules found'* ]]
}

@test "each alert fires on what it is for, and is silent beside it" {
	exits 0 promtool test rules "$ROOT/tests/monitoring/rules.test.yaml"
}

@test "a rule that fires too early is noticed" {
	sed 's/for: 5m/for: 1m/' "$rules" >"$BATS_TEST_TMPDIR/kc-lag.rules.yaml"
	sed 's#rule_files: .*#rule_files: [kc-lag.rules.yaml]#' "$ROOT/tests/monitoring/rules.test.yaml" >"$BATS_TEST_TMPDIR/test.yaml"
	exits 1 promtool test rules "$BATS_TEST_TMPDIR/test.yaml"
}

@test "the dashboard's queries are queries" {
	jq '{groups: [{name: "dashboard", rules: [.panels[].targets[].expr | gsub("\\$[a-z]+"; "x")] | to_entries
		| map({record: "query:\(.key)", expr: .value})}]}' "$dashboard" >"$BATS_TEST_TMPDIR/queries.yaml"
	exits 0 promtool check rules "$BATS_TEST_TMPDIR/queries.yaml"
	[[ $output == *" $(jq '[.panels[].targets[]] | length' "$dashboard") rules found"* ]]
}

@test "rules and dashboard name series that kc-lag writes" {
	local named written
	named=$(grep -ohE 'kc_lag_[a-z_]+' "$rules" "$dashboard" | sort -u)
	written=$(grep -ohE '"kc_lag_[a-z_]+"' "$ROOT/lib/model/lag_prom.c" | tr -d '"' | sort -u)
	[[ $(wc -l <<<"$named") -ge 12 ]]
	[[ -z $(comm -23 <(echo "$named") <(echo "$written")) ]]
}
