# acl.bash - a user of Apache Kafka's nodes who may not do all: `load lib/acl` behind lib/kc and lib/lag.
#
#   guest COMMAND...                        as that user, who may do what no list denies
#   acl ALLOW|DENY KIND NAME RIGHT          for that user; KIND is TOPIC, GROUP, CLUSTER or TXN
#
# Where there is any list for a thing, what it does not allow is denied.
# shellcheck shell=bash disable=SC2154

guest() { # COMMAND...
	KC_X_SECURITY_PROTOCOL=sasl_plaintext KC_X_SASL_MECHANISM=PLAIN KC_X_SASL_USERNAME=guest KC_X_SASL_PASSWORD=guest \
		KC_BROKERS=$(sed -n 's#^advertised.listeners=.*,SASL://##p' "$KC_TEST_CLUSTER/1/server.properties") "$@"
}

acl() { # ALLOW|DENY TOPIC|GROUP|CLUSTER|TXN NAME READ|WRITE|DESCRIBE|DESCRIBE_CONFIGS
	declare -A code=([TOPIC]=2 [GROUP]=3 [CLUSTER]=4 [TXN]=5 [READ]=3 [WRITE]=4 [DESCRIBE]=8 [DESCRIBE_CONFIGS]=10 [DENY]=2 [ALLOW]=3)
	ask CreateAcls 2 "$(jq -cn --argjson type "${code[$2]}" --arg name "$3" --argjson op "${code[$4]}" \
		--argjson permission "${code[$1]}" '{Creations: [{ResourceType: $type, ResourceName: $name,
		ResourcePatternType: 3, Principal: "User:guest", Host: "*", Operation: $op, PermissionType: $permission}]}')" \
		'.Results[0].ErrorCode == 0'
}
