#compdef kc-produce kc-consume kc-topics kc-lag kc-dlq kc-replay kc-broker
# zsh completion: options and verbs are what the program itself says; topics
# and groups are asked for, briefly.

# The names that a listing has.
_kc_names() { # KIND TOOL [VERB]
	local -a where names
	local i
	for ((i = 2; i < CURRENT; i++)); do
		case $words[i] in
		-b | -F | --brokers | --bootstrap-server | --profile | --config | --properties-file)
			where+=("$words[i]" "$words[i+1]") ;;
		esac
	done
	names=(${(f)"$(timeout 0.5 $2 ${3-list} -q $where 2>/dev/null </dev/null | cut -f 1)"})
	_describe -t $1s $1 names
}
_kc_topics() { _kc_names topic kc-topics }
_kc_groups() { _kc_names group kc-lag }
_kc_jobs() { _kc_names job kc-replay jobs }

# Of the configuration file that the line names, or the usual one.
_kc_profiles() {
	local -a config names
	local i
	for ((i = 2; i < CURRENT; i++)); do
		[[ $words[i] != --config ]] || config=(--config "$words[i+1]")
	done
	names=(${(f)"$(kc-topics -X profiles $config 2>/dev/null)"})
	_describe -t profiles profile names
}

_kc_value() { # VALUE CHOICES
	case $1 in
	TOPIC*) _kc_topics ;;
	GROUP*) _kc_groups ;;
	JOB*) _kc_jobs ;;
	PROFILE | CLUSTER) _kc_profiles ;;
	WHERE) compadd -- beginning end stored ;;
	*FILE*) _files ;;
	*DIR*) _files -/ ;;
	*) [[ $2 == - ]] || compadd -- ${(s:,:)2} ;;
	esac
}

_kc() {
	local rows verb='' value='' choices=- row i
	local -a verbs options f
	rows=$($words[1] --dump-options 2>/dev/null) || return
	for row in ${(f)rows}; do
		f=("${(@s:	:)row}")
		[[ $f[1] == command ]] && verbs+=("$f[2]:$f[4]")
	done
	for ((i = 2; i < CURRENT; i++)); do
		if [[ $words[i] == -- && $words[1] == *kc-broker ]]; then
			_command_names
			return
		fi
		[[ -z $verb && -n ${(M)verbs:#$words[i]:*} ]] && verb=$words[i]
	done
	for row in ${(f)rows}; do
		f=("${(@s:	:)row}")
		[[ $f[1] == option && ( $f[2] == - || -z $verb || $f[2] == $verb ) ]] || continue
		[[ $f[7] == - ]] || options+=("$f[4]:$f[7]")
		if [[ $f[5] != - && ( $f[3] == $words[CURRENT-1] || $f[4] == $words[CURRENT-1] ) ]]; then
			value=$f[5] choices=$f[6]
		fi
		if [[ $f[5] != - && $words[CURRENT] == $f[4]=* ]]; then
			compset -P '*='
			value=$f[5] choices=$f[6]
		fi
	done
	if [[ -n $value ]]; then
		_kc_value $value $choices
	elif [[ $words[CURRENT] == -* ]]; then
		_describe -o option options
	elif [[ $words[1] == *kc-lag && $verb == import ]]; then
		_files
	elif [[ $words[1] == *kc-lag ]]; then
		[[ -n $verb ]] || _describe command verbs
		_kc_groups
	elif [[ $words[1] == *kc-replay ]]; then
		case $verb in
		resume | status | verify | pause) _kc_jobs ;;
		import) _files -/ ;;
		*) [[ -n $verb ]] || _describe command verbs
			_kc_topics ;;
		esac
	elif (( $#verbs )) && [[ -z $verb ]]; then
		_describe command verbs
	elif [[ $words[1] == *kc-produce ]]; then
		_kc_topics
		_files
	elif [[ $words[1] != *kc-broker ]]; then
		_kc_topics
	fi
}

_kc "$@"
