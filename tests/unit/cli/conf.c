#include "cli/conf.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "tap.h"

static char dir[100];
static struct conf_args args;
static struct conf conf;
static struct err e;

/* A file of the test's folder; returns its path, good until the next call but one. */
static const char *
put(const char *name, const char *text, int mode)
{
	static char paths[2][256];
	static int turn;
	char *path = paths[turn ^= 1];
	FILE *f;

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) || chmod(path, (mode_t)mode))
		abort();
	return path;
}

/* As at the start of a program with no settings at all. */
static void
fresh(void)
{
	static const char *const variables[] = {
		"KC_BROKERS", "KC_CONFIG", "KC_PROFILE", "KC_X_CLIENT_ID",
		"KC_X_LOG__LEVEL", "KC_X_SASL_PASSWORD", "KC_X_METADATA_BROKER_LIST",
	};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	setenv("XDG_CONFIG_HOME", dir, 1);
	args = (struct conf_args)CONF_ARGS_INIT;
	e = (struct err)ERR_INIT;
}

static void
property(const char *text)
{
	static const char *items[8];

	if (!args.props.n)
		args.props.items = items;
	args.props.items[args.props.n++] = text;
}

static int
load(void)
{
	conf_release(&conf);
	return conf_load(&conf, &args, &e);
}

static const char *
origin(const char *name)
{
	for (int i = 0; i < conf.props_n; i++)
		if (!strcmp(conf.props[i].name, name))
			return conf.props[i].origin;
	return NULL;
}

/* Loads a file of -F that is readable by its owner only. */
static int
load_file(const char *text)
{
	fresh();
	args.props_file = put("f.properties", text, 0600);
	return load();
}

/* ... and of --config. */
static int
load_yaml(const char *text, const char *profile)
{
	fresh();
	args.config = put("c.yaml", text, 0600);
	args.profile = profile;
	return load();
}

/* The message without the folder's name. */
static void
refused(int result, const char *message)
{
	static struct buf b;

	CHECK_INT(result, -1);
	CHECK_INT(e.code, ERR_USAGE);
	buf_clear(&b);
	for (const char *p = e.msg, *at; ; p = at + strlen(dir) + 1) {
		at = strstr(p, dir);
		buf_add(&b, p, at ? (size_t)(at - p) : strlen(p));
		if (!at)
			break;
	}
	CHECK_STR(buf_cstr(&b), message);
}

static void
without_settings_there_is_localhost(void)
{
	fresh();
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "localhost:9092");
	CHECK_STR(origin("bootstrap.servers"), "default");
	CHECK_INT(conf.props_n, 1);
	CHECK(!conf.path);
	CHECK_INT(e.code, ERR_NONE);
	CHECK(!conf_get(&conf, "client.id"));
	conf_default(&conf, "client.id", "kc");
	conf_default(&conf, "metadata.broker.list", "other");
	CHECK_STR(conf_get(&conf, "client.id"), "kc");
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "localhost:9092");
}

static void
each_layer_covers_the_one_below(void)
{
	fresh();
	args.config = put("c.yaml", "brokers: file\nprofiles:\n  p:\n    brokers: profile\n",
		0600);
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "file");
	CHECK_STR(origin("bootstrap.servers"), args.config);
	args.profile = "p";
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "profile");
	CHECK(!strncmp(origin("bootstrap.servers"), "profile 'p' of /", 16));
	setenv("KC_X_METADATA_BROKER_LIST", "property-variable", 1);
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "property-variable");
	setenv("KC_BROKERS", "variable", 1);
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "variable");
	CHECK_STR(origin("bootstrap.servers"), "$KC_BROKERS");
	args.props_file = put("f", "bootstrap.servers=properties\n", 0644);
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "properties");
	CHECK(strstr(origin("bootstrap.servers"), "/f line 1") != NULL);
	property("metadata.broker.list=alias");
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "alias");
	CHECK_STR(origin("bootstrap.servers"), "-X");
	args.brokers = "flag";
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "flag");
	CHECK_STR(origin("bootstrap.servers"), "-b");
	CHECK_INT(conf.props_n, 1);
}

static void
variables_name_any_property(void)
{
	fresh();
	setenv("KC_X_CLIENT_ID", "me", 1);
	setenv("KC_X_LOG__LEVEL", "7", 1);
	setenv("KC_X_SASL_PASSWORD", "s", 1);
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "client.id"), "me");
	CHECK_STR(origin("client.id"), "$KC_X_CLIENT_ID");
	CHECK_STR(conf_get(&conf, "log_level"), "7");
	CHECK_STR(conf_get(&conf, "sasl.password"), "s");
}

static void
flags_are_checked(void)
{
	fresh();
	property("list");
	property("a=b=c");
	property("empty=");
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "a"), "b=c");
	CHECK_STR(conf_get(&conf, "empty"), "");
	property("nonsense");
	refused(load(), "'-X nonsense' is not NAME=VALUE (or 'list', 'dump', 'profiles')");
	fresh();
	property("sasl.password=x");
	CHECK_INT(load(), -1);
	CHECK(!strstr(e.msg, "=x"));
}

static void
the_file_is_found_or_missed(void)
{
	char path[256];

	fresh();
	snprintf(path, sizeof(path), "%s/kc", dir);
	mkdir(path, 0700);
	put("kc/config.yaml", "brokers: found\n", 0644);
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "found");
	CHECK(conf.path && strstr(conf.path, "/kc/config.yaml"));
	setenv("KC_CONFIG", put("k.yaml", "brokers: variable\n", 0644), 1);
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "variable");
	args.config = put("d.yaml", "brokers: flag\n", 0644);
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "flag");
	args.config = "/dev/null";
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "localhost:9092");
	args.config = "/nonexistent/c.yaml";
	refused(load(), "cannot open '/nonexistent/c.yaml': No such file or directory");
	args.config = NULL;
	setenv("KC_CONFIG", "/nonexistent/k.yaml", 1);
	refused(load(), "cannot open '/nonexistent/k.yaml': No such file or directory");
	fresh();
	args.props_file = "/nonexistent/p";
	refused(load(), "cannot open '/nonexistent/p': No such file or directory");
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	args.props_file = NULL;
	CHECK_INT(load(), 0);
	args.profile = "p";
	refused(load(), "there is no profile 'p', because there is no configuration "
		"file /nonexistent/kc/config.yaml");
}

static void
profiles_are_chosen(void)
{
	static const char text[] =
		"profiles:\n"
		"  dev: {brokers: 'localhost:1'}\n"
		"  prod:\n"
		"    brokers: [a:1, b:2]\n"
		"    properties:\n"
		"      client.id: batch\n"
		"      enable.idempotence: true\n"
		"      linger.ms: 5\n"
		"  empty:\n"
		"default_profile: dev\n"
		"properties: {client.id: all, acks: all}\n";

	CHECK_INT(load_yaml(text, NULL), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "localhost:1");
	CHECK_STR(conf_get(&conf, "client.id"), "all");
	CHECK_INT(load_yaml(text, "prod"), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "a:1,b:2");
	CHECK_STR(conf_get(&conf, "client.id"), "batch");
	CHECK_STR(conf_get(&conf, "acks"), "all");
	CHECK_STR(conf_get(&conf, "queue.buffering.max.ms"), "5");
	CHECK_STR(conf_get(&conf, "enable.idempotence"), "true");
	CHECK_INT(load_yaml(text, "empty"), 0);
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "localhost:9092");
	refused(load_yaml(text, "prood"), "there is no profile 'prood' in 'c.yaml' "
		"(did you mean 'prod'?)");
	refused(load_yaml(text, "xxxxxx"), "there is no profile 'xxxxxx' in 'c.yaml'");
	fresh();
	args.config = put("c.yaml", text, 0600);
	setenv("KC_PROFILE", "prod", 1);
	CHECK_INT(load(), 0);
	CHECK_STR(conf_get(&conf, "client.id"), "batch");
}

static void
mistakes_in_yaml_have_their_line(void)
{
	refused(load_yaml("brokers: a\nbrokkers: b\n", NULL),
		"'c.yaml' line 2: unknown key 'brokkers' (did you mean 'brokers'?)");
	refused(load_yaml("xyzzy: b\n", NULL),
		"'c.yaml' line 1: unknown key 'xyzzy' (see kc.conf(5))");
	refused(load_yaml("profiles:\n  p:\n    propertys: {}\n", NULL),
		"'c.yaml' line 3: unknown key 'propertys' (did you mean 'properties'?)");
	refused(load_yaml("brokers: a\nbrokers: b\n", NULL),
		"'c.yaml' line 2: 'brokers' is there twice");
	refused(load_yaml("just text\n", NULL),
		"'c.yaml' line 1: 'file' wants 'name: value' lines");
	CHECK_INT(load_yaml("redact: {a.dlq: value.card}\nprofiles: {p: {redact: {'*': [key, message]}}}\n", "p"), 0);
	CHECK_INT(conf.redacts_n, 2);
	CHECK_STR(conf.redacts[0].paths, "value.card");
	CHECK_STR(conf.redacts[1].topics, "*");
	CHECK_STR(conf.redacts[1].paths, "key,message");
	CHECK(!strncmp(conf.redacts[1].origin, "profile 'p' of ", 15));
	CHECK_INT(load_yaml("profiles: {p: {redact: {'*': key}}}\n", NULL), 0);
	CHECK_INT(conf.redacts_n, 0);
	refused(load_yaml("profiles:\n  p:\n    redact: {a: [key, [b]]}\n", NULL),
		"'c.yaml' line 3: 'a' wants a text");
	refused(load_yaml("redact: key\n", NULL), "'c.yaml' line 1: 'redact' wants 'name: value' lines");
	refused(load_yaml("profiles: [a]\n", NULL),
		"'c.yaml' line 1: 'profiles' wants 'name: value' lines");
	refused(load_yaml("brokers: [[a]]\n", NULL),
		"'c.yaml' line 1: 'bootstrap.servers' wants a text");
	refused(load_yaml("properties:\n  client.id: \"a\\0b\"\n", NULL),
		"'c.yaml' line 2: a text holds a NUL byte");
	CHECK_INT(load_yaml("a: [b\nc: d\n", NULL), -1);
	CHECK_INT(e.code, ERR_USAGE);
	CHECK(strstr(e.msg, "c.yaml' line 2: ") != NULL);
	CHECK_INT(load_yaml("", NULL), 0);
	CHECK_INT(load_yaml("# nothing\n", NULL), 0);
}

static void
secrets_come_from_elsewhere(void)
{
	put("secret", "from file\n", 0600);
	setenv("KC_TEST_SECRET", "from env", 1);
	CHECK_INT(load_yaml("properties:\n"
		"  sasl.password: {file: secret}\n"
		"  ssl.key.password: {command: 'echo from command'}\n"
		"  client.id: {env: KC_TEST_SECRET}\n", NULL), 0);
	CHECK_STR(conf_get(&conf, "sasl.password"), "from file");
	CHECK_STR(conf_get(&conf, "ssl.key.password"), "from command");
	CHECK_STR(conf_get(&conf, "client.id"), "from env");
	refused(load_yaml("properties:\n  a: {command: 'exit 3'}\n", NULL),
		"'c.yaml' line 2: the command of 'a' failed with status 3");
	refused(load_yaml("properties:\n  a: {env: KC_TEST_NOT_SET}\n", NULL),
		"'c.yaml' line 2: the variable $KC_TEST_NOT_SET of 'a' is not set");
	refused(load_yaml("properties:\n  a: {file: nowhere}\n", NULL),
		"'c.yaml' line 2: cannot open 'nowhere': No such file or directory");
	refused(load_yaml("properties:\n  a: {fiel: x}\n", NULL),
		"'c.yaml' line 2: 'a' wants one of file, command, env");
	refused(load_yaml("properties:\n  a: {file: x, env: y}\n", NULL),
		"'c.yaml' line 2: 'a' wants one of file, command, env");
	/* Those of a profile that is not chosen are not run. */
	CHECK_INT(load_yaml("profiles: {p: {properties: {a: {command: 'exit 3'}}}}\n",
		NULL), 0);
	put("secret", "from file\n", 0644);
	refused(load_yaml("properties:\n  sasl.password: {file: secret}\n", NULL),
		"'secret' holds a secret ('sasl.password') and other users can read "
		"it (try: chmod 600 'secret')");
}

static void
a_secret_that_others_can_read_is_refused(void)
{
	static const char yaml[] = "profiles: {p: {properties: {sasl.password: x}}}\n";

	CHECK_INT(load_yaml(yaml, NULL), 0);
	fresh();
	args.config = put("c.yaml", yaml, 0644);
	refused(load(), "'c.yaml' holds a secret ('sasl.password') and other users "
		"can read it (try: chmod 600 'c.yaml')");
	args.config = put("c.yaml", "properties: {client.id: x}\n", 0644);
	CHECK_INT(load(), 0);
	fresh();
	args.props_file = put("f", "a=b\nsasl.password=x\n", 0640);
	refused(load(), "'f' line 2: 'f' holds a secret ('sasl.password') and other "
		"users can read it (try: chmod 600 'f')");
	args.props_file = put("f", "a=b\nsasl.password=x\n", 0600);
	CHECK_INT(load(), 0);
}

static void
property_files_are_read_in_every_form(void)
{
	char text[20000];

	CHECK_INT(load_file("# comment\n! comment\n\n  client.id = me  \r\n"
		"acks:all\nlinger.ms 5\nempty=\nbootstrap.servers=a:1,\\\n   b:2\n"
		"group.id=\\u0061\\=b\nclient.id=you\n"), 0);
	CHECK_STR(conf_get(&conf, "client.id"), "you");
	CHECK(strstr(origin("client.id"), "f.properties line 11") != NULL);
	CHECK_STR(conf_get(&conf, "acks"), "all");
	CHECK_STR(conf_get(&conf, "linger.ms"), "5");
	CHECK_STR(conf_get(&conf, "empty"), "");
	CHECK_STR(conf_get(&conf, "bootstrap.servers"), "a:1,b:2");
	CHECK_STR(conf_get(&conf, "group.id"), "a=b");
	memset(text, 'x', sizeof(text));
	memcpy(text, "client.id=", 10);
	text[sizeof(text) - 1] = '\0';
	CHECK_INT(load_file(text), 0);
	CHECK_INT(strlen(conf_get(&conf, "client.id")), sizeof(text) - 11);
	refused(load_file("a=b\n=c\n"), "'f.properties' line 2: no name before the value");
	CHECK_INT(load_yaml("profiles: {p: {properties_file: f.properties}}\n", NULL), 0);
	put("f.properties", "client.id=java\n", 0644);
	CHECK_INT(load_yaml("profiles: {p: {properties_file: f.properties}}\n", "p"), 0);
	CHECK_STR(conf_get(&conf, "client.id"), "java");
}

static void
java_names_are_translated(void)
{
	CHECK_INT(load_file(
		"key.serializer=org.apache.kafka.common.serialization.StringSerializer\n"
		"max.poll.records=5\nmetric.reporters=x\npartitioner.class=y\n"
		"sasl.login.callback.handler.class=z\n"
		"max.request.size=5000\nfetch.max.wait.ms=7\n"
		"auto.offset.reset=none\nsasl.mechanism=PLAIN\n"
		"ssl.endpoint.identification.algorithm=\n"
		"partition.assignment.strategy=org.apache.kafka.clients.consumer."
		"CooperativeStickyAssignor\n"), 0);
	CHECK_STR(conf_get(&conf, "message.max.bytes"), "5000");
	CHECK_STR(conf_get(&conf, "fetch.wait.max.ms"), "7");
	CHECK_STR(conf_get(&conf, "auto.offset.reset"), "error");
	CHECK_STR(conf_get(&conf, "sasl.mechanisms"), "PLAIN");
	CHECK_STR(conf_get(&conf, "ssl.endpoint.identification.algorithm"), "none");
	CHECK_STR(conf_get(&conf, "partition.assignment.strategy"), "cooperative-sticky");
	CHECK_INT(conf.props_n, 7);
}

static void
jaas_is_taken_apart(void)
{
	CHECK_INT(load_file("sasl.jaas.config=org.apache.kafka.common.security.plain."
		"PlainLoginModule required \\\n  username=\"me\" password=\"p\\\\\"a;ss\" ;\n"),
		0);
	CHECK_STR(conf_get(&conf, "sasl.username"), "me");
	CHECK_STR(conf_get(&conf, "sasl.password"), "p\"a;ss");
	CHECK(!conf_get(&conf, "sasl.jaas.config"));
	CHECK_INT(load_file("sasl.jaas.config=o.a.k.c.s.scram.ScramLoginModule required "
		"username='you' password=plain tokenauth=true;\n"), 0);
	CHECK_STR(conf_get(&conf, "sasl.username"), "you");
	CHECK_STR(conf_get(&conf, "sasl.password"), "plain");
	CHECK_INT(load_file("sasl.jaas.config=x.OAuthBearerLoginModule required "
		"clientId=\"id\" clientSecret=\"s\" scope=\"all\" extension_a=\"1\" "
		"extension_b=\"2\";\n"
		"sasl.oauthbearer.token.endpoint.url=https://h/token\n"), 0);
	CHECK_STR(conf_get(&conf, "sasl.oauthbearer.method"), "oidc");
	CHECK_STR(conf_get(&conf, "sasl.oauthbearer.client.id"), "id");
	CHECK_STR(conf_get(&conf, "sasl.oauthbearer.client.secret"), "s");
	CHECK_STR(conf_get(&conf, "sasl.oauthbearer.scope"), "all");
	CHECK_STR(conf_get(&conf, "sasl.oauthbearer.extensions"), "a=1,b=2");
	refused(load_file("sasl.jaas.config=com.sun.security.auth.module."
		"Krb5LoginModule required;\n"), "'f.properties' line 1: login module "
		"'com.sun.security.auth.module.Krb5LoginModule' of sasl.jaas.config "
		"is not supported (Plain, Scram and OAuthBearer are)");
	refused(load_file("sasl.jaas.config=x.PlainLoginModule required username=\"me;\n"),
		"'f.properties' line 1: sasl.jaas.config has a quote that does not end");
	refused(load_file("sasl.jaas.config=x.PlainLoginModule required username;\n"),
		"'f.properties' line 1: sasl.jaas.config wants name=\"value\" at 'username'");
}

static void
stores_are_told_by_type_or_look(void)
{
	char text[512], path[128];

	put("ca.crt", "-----BEGIN CERTIFICATE-----\n", 0644);
	put("k.p12", "\x30\x82", 0600);
	put("t.jks", "\xfe\xed\xfe\xed", 0600);
	snprintf(path, sizeof(path), "%s/ca.crt", dir);
	snprintf(text, sizeof(text), "ssl.truststore.location=%s/ca.crt\n"
		"ssl.keystore.location=%s/ca.crt\nssl.keystore.type=PEM\n", dir, dir);
	CHECK_INT(load_file(text), 0);
	CHECK_STR(conf_get(&conf, "ssl.ca.location"), path);
	CHECK_STR(conf_get(&conf, "ssl.certificate.location"), path);
	CHECK_STR(conf_get(&conf, "ssl.key.location"), path);
	CHECK(!conf_get(&conf, "ssl.keystore.location"));
	snprintf(text, sizeof(text), "ssl.keystore.location=%s/k.p12\n"
		"ssl.keystore.password=x\n", dir);
	CHECK_INT(load_file(text), 0);
	CHECK(strstr(conf_get(&conf, "ssl.keystore.location"), "/k.p12") != NULL);
	CHECK_STR(conf_get(&conf, "ssl.keystore.password"), "x");
	snprintf(text, sizeof(text), "ssl.truststore.location=%s/t.jks\n", dir);
	refused(load_file(text), "'f.properties' line 1: librdkafka cannot read the "
		"truststore 't.jks' (run: keytool -list -rfc -keystore 't.jks' > "
		"'t.pem' and set ssl.truststore.type=PEM, ssl.truststore.location=t.pem)");
	snprintf(text, sizeof(text), "ssl.keystore.location=%s/t.jks\n", dir);
	refused(load_file(text), "'f.properties' line 1: librdkafka cannot read the "
		"keystore 't.jks' (run: keytool -importkeystore -srckeystore 't.jks' "
		"-destkeystore 't.p12' -deststoretype PKCS12 and set "
		"ssl.keystore.type=PKCS12, ssl.keystore.location=t.p12)");
	refused(load_file("ssl.truststore.location=x\nssl.truststore.type=BCFKS\n"),
		"'f.properties' line 1: store type 'BCFKS' is not supported (PEM, PKCS12)");
	refused(load_file("ssl.truststore.location=/nonexistent/x\n"),
		"'f.properties' line 1: cannot read '/nonexistent/x': "
		"No such file or directory");
}

static void
pem_on_one_line_is_unfolded(void)
{
	CHECK_INT(load_file("ssl.truststore.certificates=-----BEGIN CERTIFICATE----- \\\n"
		"  AAAA BBBB \\\n  CCCC -----END CERTIFICATE-----\n"), 0);
	CHECK_STR(conf_get(&conf, "ssl.ca.pem"), "-----BEGIN CERTIFICATE-----\n"
		"AAAABBBBCCCC\n-----END CERTIFICATE-----\n");
	CHECK_INT(load_file("ssl.keystore.key=x-----BEGIN PRIVATE KEY-----"
		"0123456789012345678901234567890123456789012345678901234567890123"
		"45-----END PRIVATE KEY----------BEGIN X-----a-----END X-----\n"), 0);
	CHECK_STR(conf_get(&conf, "ssl.key.pem"), "-----BEGIN PRIVATE KEY-----\n"
		"0123456789012345678901234567890123456789012345678901234567890123\n"
		"45\n-----END PRIVATE KEY-----\n-----BEGIN X-----\na\n-----END X-----\n");
	refused(load_file("ssl.keystore.certificate.chain=nothing\n"),
		"'f.properties' line 1: no '-----BEGIN ...-----' in the PEM text");
}

static void
a_dump_hides_secrets_and_shows_origins(void)
{
	char text[512];
	int fds[2], saved = dup(STDOUT_FILENO);
	ssize_t n;

	fresh();
	setenv("KC_X_SASL_PASSWORD", "hush", 1);
	args.brokers = "h:1";
	CHECK_INT(load(), 0);
	fflush(stdout);
	CHECK_INT(pipe(fds), 0);
	dup2(fds[1], STDOUT_FILENO);
	CHECK_INT(conf_dump(&conf, &e), 0);
	dup2(saved, STDOUT_FILENO);
	n = read(fds[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	CHECK_STR(text, "bootstrap.servers = h:1    # -b\n"
		"sasl.password = [hidden]    # $KC_X_SASL_PASSWORD\n");
}

static void
a_timeout_is_what_the_tool_can_bear(void)
{
	struct conf_args a = CONF_ARGS_INIT;

	CHECK_INT(conf_timeout(&a, CONF_AN_HOUR), 30000);
	a.timeout_ms = 5000;
	CHECK_INT(conf_timeout(&a, CONF_FOR_EVER), 5000);
	a.timeout_ms = 0;
	CHECK_INT(conf_timeout(&a, CONF_AN_HOUR), 3600000);
	CHECK_INT(conf_timeout(&a, CONF_FOR_EVER), -1);
	a.timeout_ms = 7200000;
	CHECK_INT(conf_timeout(&a, CONF_AN_HOUR), 3600000);
	CHECK_INT(conf_timeout(&a, CONF_FOR_EVER), 7200000);
	a.timeout_ms = (int64_t)1 << 40;
	CHECK_INT(conf_timeout(&a, CONF_FOR_EVER), -1);
}

int
main(void)
{
	char command[128];
	int result;

	if (!tap_folder(dir, sizeof(dir)))
		return 1;
	RUN(without_settings_there_is_localhost);
	RUN(each_layer_covers_the_one_below);
	RUN(variables_name_any_property);
	RUN(flags_are_checked);
	RUN(the_file_is_found_or_missed);
	RUN(profiles_are_chosen);
	RUN(mistakes_in_yaml_have_their_line);
	RUN(secrets_come_from_elsewhere);
	RUN(a_secret_that_others_can_read_is_refused);
	RUN(property_files_are_read_in_every_form);
	RUN(java_names_are_translated);
	RUN(jaas_is_taken_apart);
	RUN(stores_are_told_by_type_or_look);
	RUN(pem_on_one_line_is_unfolded);
	RUN(a_dump_hides_secrets_and_shows_origins);
	RUN(a_timeout_is_what_the_tool_can_bear);
	conf_release(&conf);
	result = tap_done();
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) ? 1 : result;
}
