# bash completion of kc-produce, kc-consume, kc-topics, kc-lag, kc-dlq, kc-replay and kc-broker. Options and
# verbs are what the program itself says; topics and groups are asked for, briefly.
# shellcheck shell=bash

# The options of "words" that say where the brokers are, a line each.
_kc_where() {
	local i
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		case ${words[i]} in
		-b | -F | --brokers | --bootstrap-server | --profile | --config | --properties-file)
			printf '%s\n' "${words[i]}" "${words[i + 1]}" ;;
		--brokers=* | --bootstrap-server=* | --profile=* | --config=* | --properties-file=*)
			printf '%s\n' "${words[i]}" ;;
		esac
	done
}

_kc_topics() {
	local where
	mapfile -t where < <(_kc_where)
	timeout 0.5 kc-topics list -q "${where[@]}" 2>/dev/null </dev/null | cut -f 1
}

_kc_groups() {
	local where
	mapfile -t where < <(_kc_where)
	timeout 0.5 kc-lag list -q "${where[@]}" 2>/dev/null </dev/null | cut -f 1
}

_kc_jobs() {
	local where
	mapfile -t where < <(_kc_where)
	timeout 0.5 kc-replay jobs -q "${where[@]}" 2>/dev/null </dev/null | cut -f 1
}

# Names with "=", of properties and of a topic's configs.
_kc_properties() {
	printf '%s\n' list dump profiles
	kc-topics -X list 2>/dev/null | awk -F '|' '/^[a-z]/ { sub(/ *$/, "", $1); print $1 "=" }'
}

_kc_configs() {
	local where topic
	mapfile -t where < <(_kc_where)
	topic=$(_kc_topics | head -n 1)
	timeout 0.5 kc-topics show -aq "${where[@]}" "$topic" 2>/dev/null </dev/null |
		awk -F '\t' '$2 == "config" { print $3 "=" }'
}

# Of the configuration file that the line names, or the usual one.
_kc_profiles() {
	local where i
	mapfile -t where < <(_kc_where)
	for i in "${!where[@]}"; do
		case ${where[i]} in
		--config) kc-topics -X profiles --config "${where[i + 1]}" 2>/dev/null; return ;;
		--config=*) kc-topics -X profiles "${where[i]}" 2>/dev/null; return ;;
		esac
	done
	kc-topics -X profiles 2>/dev/null
}

# The words for the value of an option: VALUE and CHOICES of its row.
_kc_value() { # VALUE CHOICES CURRENT
	case $1 in
	TOPIC*) compgen -W "$(_kc_topics)" -- "$3" ;;
	GROUP*) compgen -W "$(_kc_groups)" -- "$3" ;;
	PROFILE | CLUSTER) compgen -W "$(_kc_profiles)" -- "$3" ;;
	JOB*) compgen -W "$(_kc_jobs)" -- "$3" ;;
	WHERE) compgen -W 'beginning end stored' -- "$3" ;;
	*FILE*) compgen -f -- "$3" ;;
	COMMAND*) compgen -c -- "$3" ;;
	*DIR*) compgen -d -- "$3" ;;
	*) [[ $2 == - ]] || compgen -W "${2//,/ }" -- "$3" ;;
	esac
}

_kc() {
	local words rows row cur prev verb='' verbs i line=${COMP_LINE:0:COMP_POINT}
	rows=$("$1" --dump-options 2>/dev/null) || return
	COMPREPLY=()
	# bash's own words end at each '=' and ':'.
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=('')
	cur=${words[-1]} prev=${words[-2]}
	[[ $cur != --*=* ]] || prev=${cur%%=*} cur=${cur#*=}
	verbs=$(awk -F '\t' '$1 == "command" { print $2 }' <<<"$rows")
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		if [[ ${words[i]} == -- && $1 == *kc-@(broker|consume) ]]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			return
		fi
		[[ -z $verb ]] && grep -qxF -- "${words[i]}" <<<"$verbs" && verb=${words[i]}
	done
	# The rows of the options that may be used here: VALUE, CHOICES by name.
	row=$(awk -F '\t' -v o="$prev" -v v="$verb" '$1 == "option" && $5 != "-" &&
		($3 == o || $4 == o) && ($2 == "-" || v == "" || $2 == v) { print $5 "\t" $6; exit }' <<<"$rows")
	if [[ $prev == -X || $prev == --property || ($1 == *kc-topics && $prev == @(-c|--set)) ]]; then
		verbs=_kc_properties
		[[ $prev == -X || $prev == --property ]] || verbs=_kc_configs
		[[ $cur == *=* ]] || mapfile -t COMPREPLY < <(compgen -W "$("$verbs")" -- "$cur")
		compopt -o nospace 2>/dev/null
	elif [[ -n $row ]]; then
		mapfile -t COMPREPLY < <(_kc_value "${row%%$'\t'*}" "${row#*$'\t'}" "$cur")
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(awk -F '\t' -v v="$verb" '$1 == "option" && $7 != "-" &&
			($2 == "-" || v == "" || $2 == v) { print $4 }' <<<"$rows")" -- "$cur")
	elif [[ $1 == *kc-lag && $verb == import ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	elif [[ $1 == *kc-lag ]]; then
		[[ -n $verb ]] && verbs=''
		mapfile -t COMPREPLY < <(compgen -W "$verbs $(_kc_groups)" -- "$cur")
	elif [[ $1 == *kc-replay ]]; then
		case $verb in
		resume | status | verify | pause) verbs=$(_kc_jobs) ;;
		import) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
		'') verbs+=" $(_kc_topics)" ;;
		*) verbs=$(_kc_topics) ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
	elif [[ -n $verbs && -z $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
	elif [[ $1 != *kc-broker ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_kc_topics)" -- "$cur")
	fi
}

complete -o default -F _kc kc-produce kc-consume kc-topics kc-lag kc-dlq kc-replay kc-broker
