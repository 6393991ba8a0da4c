#!/bin/sh
# How a node is started stands in files, in the environment and on its command
# line: the later ones have the word, and what is wrong is said before it starts.
. "$abs_top_srcdir/tests/lib/node.sh"
. "$abs_top_srcdir/tests/lib/cellad.sh"
config=$work/node.yaml
mkdir "$work/node.d"
yaml() { # FILE LINE...
	file=$1
	shift
	printf '%s\n' "$@" >"$work/$file"
	chmod 600 "$work/$file"
}
show() {
	"$cella" config show --config "$config" "$@"
}
yaml policy.yaml 'version: 1'
yaml node.yaml "state_dir: $CELLA_STORE" 'http: 127.0.0.1:0' '# metrics: 127.0.0.1:1' "policy: $work/policy.yaml"
yaml node.d/20-late.yaml 'domain: late.example'
yaml node.d/10-early.yaml 'domain: early.example' 'metrics: "[::1]:0"'
yaml node.d/30-none.yaml '# nothing'
yaml node.d/40-other.txt 'domain: other'

expect "the layers" "state_dir: \"$CELLA_STORE\"  # $config,http: \"127.0.0.1:0\"  # $config,metrics: \"[::1]:0\"  # $work/node.d/10-early.yaml,policy: \"$work/policy.yaml\"  # $config,domain: \"late.example\"  # $work/node.d/20-late.yaml" \
    "$(show | paste -sd ,)"
contains "the environment" '"value":"env.example","source":"theenvironment"' \
    "$(CELLAD_DOMAIN=env.example "$cella" config show --config "$config" --json | tr -d ' \n')"
contains "built in" 'state_dir: "/var/lib/cella"  # built in' "$("$cella" config show --config "$work/node.d/30-none.yaml")"
expect "good" good "$("$cella" config check --config "$config")"

"${cella}d" --config "$config" --domain typed.example >"$work/node.out" 2>>"$work/node.err" 7>&- 8>&- 9>&- &
node=$!
await grep -q '^ready$' "$work/node.out"
http=$(sed -n 's/^http //p' "$work/node.out")
expect "it serves" ok "$(curl -s "http://$http/healthz")"
contains "metrics" "[::1]:" "$(sed -n 's/^metrics //p' "$work/node.out")"
contains "what was typed has the last word" typed.example "$(curl -s "http://$http/status/config")"
node_stop
expect "end" 0 "$status"

# ---- what is wrong ----
wrong() { # WHAT WORDS LINE...
	what=$1 words=$2
	shift 2
	yaml bad.yaml "$@"
	out=$("$cella" config check --config "$work/bad.yaml" 2>&1)
	expect "$what" 1 $?
	contains "$what" "$words" "$out"
}
wrong "a key" "line 2, column 6: htp: no such key" 'http: 127.0.0.1:0' 'htp: x'
wrong "a value" '"localhost:80" is not an address of numbers and a port' 'http: localhost:80'
wrong "a port" "is not an address" 'http: 127.0.0.1:65536'
wrong "a relative path" "is not a path from /" 'state_dir: here'
wrong "a number" "not a text" 'domain: 12'
wrong "a list" "not a map" '- x'
wrong "no YAML" "bad.yaml" '{'
wrong "https alone" "tls_key: https needs it" 'https: 127.0.0.1:0' 'tls_cert: /x'
wrong "a key alone" "of no use without https" 'tls_key: /x'
yaml bad-policy.yaml 'version: 1' 'limits: {memory: much}'
wrong "its policy" "limits.memory" "policy: $work/bad-policy.yaml"
wrong "no policy" "No such file" "policy: $work/none"
out=$(CELLAD_HTP=x "$cella" config check --config "$config" 2>&1)
contains "the environment" "htp: no such key" "$out"
chmod 666 "$config"
contains "anybody's file" "nobody else can write" "$("$cella" config check --config "$config" 2>&1)"
chmod 600 "$config"
yaml bad.yaml 'htp: x'
out=$("${cella}d" --config="$work/bad.yaml" 2>&1)
expect "it does not start" 1 $?
contains "it does not start" "htp: no such key" "$out"
contains "nor by the environment alone" "htp: no such key" "$(CELLAD_HTP=x "${cella}d" --state-dir "$CELLA_STORE" 2>&1)"
contains "no file" "No such file" "$("${cella}d" --config "$work/none" 2>&1)"
[ -e /var/lib/cella ] && fail "/var/lib/cella was made"
"$cella" config shw 2>/dev/null
expect "usage" 64 $?
finish
