# bash completion of kc-produce, kc-consume, kc-topics and kc-broker. Options and
# verbs are what the program itself says; topics are asked for, briefly.
# shellcheck shell=bash

# Options that say where the brokers are, as typed so far.
_kc_where() {
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-b | -F | --brokers | --profile | --config | --properties-file)
			printf '%s\n' "${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}" ;;
		esac
	done
}

_kc_topics() {
	local where
	mapfile -t where < <(_kc_where)
	timeout 0.2 kc-topics list -q "${where[@]}" 2>/dev/null </dev/null | cut -f 1
}

# The words for the value of an option: VALUE and CHOICES of its row.
_kc_value() { # VALUE CHOICES CURRENT
	case $1 in
	TOPIC*) compgen -W "$(_kc_topics)" -- "$3" ;;
	*FILE*) compgen -f -- "$3" ;;
	*DIR*) compgen -d -- "$3" ;;
	*) [[ $2 == - ]] || compgen -W "${2//,/ }" -- "$3" ;;
	esac
}

_kc() {
	local rows row cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb='' verbs i
	rows=$("$1" --dump-options 2>/dev/null) || return
	COMPREPLY=()
	# bash splits --name=value into three words.
	if [[ $cur == = ]]; then
		cur=''
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	verbs=$(awk -F '\t' '$1 == "command" { print $2 }' <<<"$rows")
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- && $1 == *kc-broker ]]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			return
		fi
		[[ -z $verb ]] && grep -qxF -- "${COMP_WORDS[i]}" <<<"$verbs" && verb=${COMP_WORDS[i]}
	done
	# The rows of the options that may be used here: VALUE, CHOICES by name.
	row=$(awk -F '\t' -v o="$prev" -v v="$verb" '$1 == "option" && $5 != "-" &&
		($3 == o || $4 == o) && ($2 == "-" || v == "" || $2 == v) { print $5 "\t" $6; exit }' <<<"$rows")
	if [[ -n $row ]]; then
		mapfile -t COMPREPLY < <(_kc_value "${row%%$'\t'*}" "${row#*$'\t'}" "$cur")
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(awk -F '\t' -v v="$verb" '$1 == "option" && $7 != "-" &&
			($2 == "-" || v == "" || $2 == v) { print $4 }' <<<"$rows")" -- "$cur")
	elif [[ -n $verbs && -z $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
	elif [[ $1 != *kc-broker ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_kc_topics)" -- "$cur")
	fi
}

complete -o default -F _kc kc-produce kc-consume kc-topics kc-broker
