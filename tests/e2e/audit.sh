#!/bin/sh
# A job with an audit log: keys out of their dates are refused, limits are kept, and each use of a master key is written down,
# whatever becomes of the run. The logs that stand for ceremonies are made here by hand, with sha256sum.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

id=00112233445566778899AABBCCDDEEFF
zeros=0000000000000000000000000000000000000000000000000000000000000000

# new_log: an empty one, and the job names it.
new_log()
{
    : >audit.jsonl
    chmod 600 audit.jsonl
    change job.yaml 's/^output/audit_log: audit.jsonl\noutput/'
}

# event NAME MEMBERS: the next line of the log, as a ceremony would write it.
event()
{
    seq=$(($(wc -l <audit.jsonl) + 1))
    prev=$(sed -n '$s/.*"hash":"\([0-9a-f]*\)"}$/\1/p' audit.jsonl)
    line="{\"seq\":$seq,\"time\":\"2026-01-02T03:04:05Z\",\"program\":\"test\",\"event\":\"$1\",$2,\"prev\":\"${prev:-$zeros}\""
    printf '%s,"hash":"%s"}\n' "$line" "$(printf '%s' "$line" | sha256sum | cut -c 1-64)" >>audit.jsonl
}

# key_line NAME VERSION ALGORITHM KCV [MORE]: that this key was made.
key_line()
{
    event key "\"key\":\"$1\",\"version\":$2,\"role\":\"master\",\"algorithm\":\"$3\",\"token\":\"issuer\",\"label\":\"$1-$2\",\"kcv\":\"$4\"${5:-}"
}

# dates FROM TO: not_before and not_after in days from today; "-" for none.
dates()
{
    for bound in "not_before:$1" "not_after:$2"; do
        [ "${bound#*:}" = - ] || printf ',"%s":"%s"' "${bound%%:*}" "$(date -u -d "${bound#*:} days" +%F)"
    done
}

# member NAME EVENT KEY: of the last line of that event and key.
member()
{
    grep "\"event\":\"$2\".*\"key\":\"$3\"" audit.jsonl | tail -n 1 | sed "s/.*\"$1\":\"\{0,1\}\([^,\"]*\).*/\1/"
}

# has NAME EVENT KEY VALUE
has()
{
    [ "$(member "$1" "$2" "$3")" = "$4" ] || fail "$1 of $2 $3 is not $4: $(cat audit.jsonl)"
}

# lines EVENT COUNT
lines()
{
    [ "$(grep -c "\"event\":\"$1\"" audit.jsonl)" -eq "$2" ] || fail "not $2 lines $1: $(cat audit.jsonl)"
}

# between LEAST MOST: derivations of the last run from KML.
between()
{
    actual=$(member actual use KML)
    if [ "$actual" -lt "$1" ] || [ "$actual" -gt "$2" ]; then fail "$actual derivations"; fi
}

# The chain, by other means than ours.
chain_holds()
{
    [ ! -s audit.jsonl ] || while IFS= read -r line; do
        due=$(printf '%s' "${line%,\"hash\":*}" | sha256sum | cut -c 1-64)
        case $line in *"\"prev\":\"${before:-$zeros}\",\"hash\":\"$due\"}") ;; *) fail "not chained: $line" ;; esac
        before=$due
    done <audit.jsonl
}

written_down()
{
    job job
    cards 5
    new_log
    expect 0 "$cardprep" run job.yaml --job-id $id --workers 1
    accepted demo.mic
    lines use-begin 5
    lines use 5
    for key in KML KMU MK-AC MK-SMI MK-SMC; do
        has job use-begin $key 00112233445566778899aabbccddeeff
        has job_name use $key demo
        has version use $key 1
        has count use-begin $key 5
        has blocks use-begin $key 10
        has first use-begin $key 1
        has last use-begin $key 5
        has actual use $key 5
        has actual_blocks use $key 10
    done
    has kcv use KML BF67BF
    [ "$(stat -c %a audit.jsonl)" = 600 ] || fail 'its mode is not 0600'
    chain_holds
    expect 0 "$cardprep" check job.yaml --no-token
    tells 'key KML/1: 10 blocks of 8 bytes used, this job adds 10; limit 1048576, then warn'
    tells 'key KMC/1: 0 blocks of 16 bytes used, this job adds 0'
    expect 0 "$cardprep" check job.yaml --no-token --json
    tells '"blocks_used": 10'
}

# What two workers derive is what one derives; the module in front of the token saw as many calls more.
workers_do_not_matter()
{
    own_tokens
    job job
    cards 9
    new_log
    through_proxy
    export P11PROXY_LOG="$PWD/calls.log"
    expect 0 "$cardprep" run job.yaml --workers 1 --output nine.mic
    nine=$(grep -c 'C_DeriveKey' calls.log)
    has actual use KML 9
    expect 0 "$cardprep" run job.yaml --workers 2 --output two.mic
    has actual use KML 9
    has actual use MK-AC 9
    rm calls.log
    cards 4
    expect 0 "$cardprep" run job.yaml --workers 1 --output four.mic
    four=$(grep -c 'C_DeriveKey' calls.log)
    has actual use KML 4
    [ $((nine - four)) -eq $((5 * 5)) ] || fail "$nine and $four calls"
    chain_holds
}

# Second embodiment: the card's own key is derived too, once for the keys of a DGI.
cards_own_keys_count()
{
    cards 4 join
    job job-joins
    new_log
    expect 0 "$cardprep" run job.yaml
    has actual use KML-AES 4
    has actual_blocks use KML-AES 4
    own=$(grep '"event":"use".*"key":"KMC"' audit.jsonl | sed 's/.*"actual":\([0-9]*\).*/\1/' | {
        sum=0
        while read -r n; do sum=$((sum + n)); done
        echo $sum
    })
    [ "$own" -eq 4 ] || fail "$own derivations of cards' own keys"
    grep '"event":"use"' audit.jsonl | while IFS= read -r line; do
        case $line in
        *"\"actual\":$(echo "$line" | sed 's/.*"count":\([0-9]*\).*/\1/'),"*) ;;
        *) fail "other than planned: $line" ;;
        esac
    done
}

# The log of the ceremony that made this suite's keys.
ceremonys_own_log()
{
    cards 3
    job job
    new_log
    cp "$tokens/plan.audit.jsonl" audit.jsonl
    expect 0 "$cardprep" check job.yaml
    if grep -q 'does not tell of its making' err; then fail "$(cat err)"; fi
    expect 0 "$cardprep" run job.yaml
    lines use 5
    event destroy '"key":"KEK","version":1,"token":"issuer","label":"KEK-1"'
    expect 0 "$cardprep" check job.yaml --no-token # the bureau has it still
    event destroy '"key":"KEK","version":1,"token":"bureau","label":"KEK-1"'
    expect 2 "$cardprep" check job.yaml --no-token
    says 'key KEK/1 was destroyed'
}

shards_plan_their_share()
{
    job job
    cards 9
    new_log
    expect 0 "$cardprep" run job.yaml --job-id $id --shard 1/2 --output 1.mic
    has count use-begin KML 4
    has last use-begin KML 4
    has actual use KML 4
    expect 0 "$cardprep" run job.yaml --job-id $id --shard 2/2 --output 2.mic
    has count use-begin KML 5
    has first use-begin KML 5
    has actual use KML 5
    expect 0 "$cardprep" check job.yaml --no-token
    tells 'key KML/1: 18 blocks'
}

# dated FROM TO: the job with a log in which KML has these dates.
dated()
{
    job job
    new_log
    key_line KML 1 des2 BF67BF "$(dates "$1" "$2")"
}

# both STATUS TEXT: check and run refuse, and nothing was begun.
both()
{
    expect "$1" "$cardprep" check job.yaml --no-token
    says "$2"
    refused "$1" "$2" demo.mic
    [ ! -e demo.counter ] || fail 'card numbers were taken'
}

out_of_its_dates()
{
    cards 2
    dated -400 -1
    both 2 "key KML/1 ended on $(date -u -d '-1 days' +%F): rotate it"
    dated 1 400
    both 2 "key KML/1 begins on $(date -u -d '1 days' +%F)"
    dated 0 0
    expect 0 "$cardprep" run job.yaml --output a.mic
    rm demo.counter
    dated -10 31
    expect 0 "$cardprep" check job.yaml --no-token
    if grep -q 'KML/1 ends' err; then fail 'it warns too early'; fi
    dated -10 30
    expect 0 "$cardprep" check job.yaml --no-token
    says "warning: key KML/1 ends on $(date -u -d '30 days' +%F), in 30 days"
    event key-dates "\"key\":\"KML\",\"version\":1$(dates -10 -1)"
    both 2 'key KML/1 ended on'
    event key-dates '"key":"KML","version":1'
    expect 0 "$cardprep" check job.yaml --no-token
}

other_keys_have_dates_too()
{
    cards 2
    job job
    new_log
    event key "\"key\":\"kek-bureau\",\"version\":1,\"role\":\"kek-issuer\",\"algorithm\":\"aes256\",\"token\":\"t\",\"label\":\"KEK-1\",\"kcv\":\"C67F916CD4\"$(dates -9 -1)"
    both 2 'key KEK/1 ended on'
    job job
    new_log
    event key "\"key\":\"sign\",\"version\":0,\"role\":\"signing-pair\",\"algorithm\":\"rsa\",\"token\":\"t\",\"label\":\"job-signing\"$(dates - -1)"
    both 2 "key 'job-signing' ended on"
}

followed_destroyed_exchanged()
{
    cards 2
    dated - -
    event rotate '"key":"KML","from":1,"to":2'
    expect 0 "$cardprep" check job.yaml --no-token
    says 'warning: key KML/1 was followed by KML/2 on 2026-01-02: this job still names the old one'
    says 'warning: key KMU/1: the audit log does not tell of its making'
    event destroy '"key":"KML","version":1,"token":"issuer","label":"KML-1"'
    both 2 'key KML/1 was destroyed on 2026-01-02'
    job job
    new_log
    key_line KML 1 des2 BF67C0
    both 2 'key KML/1: its check value is BF67BF in the job and BF67C0 in the audit log'
}

limits()
{
    cards 5
    dated - -
    event limit '"key":"KML","version":1,"blocks":15,"then":"stop"'
    expect 0 "$cardprep" run job.yaml --output a.mic
    rm demo.counter
    both 2 'key KML/1: 10 blocks used and 10 more planned pass its limit of 15'
    lines use-begin 5
    event limit '"key":"KML","version":1,"blocks":15,"then":"warn"'
    expect 0 "$cardprep" check job.yaml --no-token
    says 'warning: key KML/1: 10 blocks used and 10 more planned pass its limit of 15'
    expect 0 "$cardprep" run job.yaml --output b.mic
    says 'warning: key KML/1: 10 blocks used and 10 more planned pass its limit of 15'
    event limit '"key":"KML","version":1,"blocks":30,"then":"stop"'
    expect 0 "$cardprep" run job.yaml --output c.mic
    rm demo.counter
    both 2 'key KML/1: 30 blocks used'
    chain_holds
}

# A log that is broken or not there ends everything before a PIN is asked for.
broken_log()
{
    cards 2
    dated - -
    flip audit.jsonl 30
    mv audit.jsonl.flipped audit.jsonl
    both 5 'audit.jsonl:1: was changed'
    rm audit.jsonl
    both 6 'audit.jsonl'
    : >audit.jsonl
    chmod 620 audit.jsonl
    refused 6 'may be written by others' demo.mic
}

# A cut last line is mended by the run, and stands in the log.
cut_log()
{
    cards 2
    dated - -
    printf '{"seq":2,"time' >>audit.jsonl
    expect 0 "$cardprep" check job.yaml --no-token
    says 'its last line is cut'
    expect 0 "$cardprep" run job.yaml
    lines cut-line 1
    chain_holds
}

# stuck: a run of 60 cards in the background that hangs in the middle.
stuck()
{
    own_tokens
    job job
    cards 60
    new_log
    through_proxy
    rm -f once
    export P11PROXY_ONCE="$PWD/once" P11PROXY_HANG=C_DeriveKey:40 P11PROXY_LOG="$PWD/calls.log"
    mkfifo gone
    "$cardprep" run job.yaml --workers 1 >out 2>err 9>gone &
    coordinator=$!
    cat <gone >/dev/null &
    waiter=$!
    until grep -q 'C_DeriveKey.*FFFFFFFFFFFFFFFF' calls.log 2>/dev/null; do
        kill -0 $coordinator 2>/dev/null || fail "it ended before it hung: $(cat err)"
        sleep 0.05
    done
}

interrupted_run()
{
    job job
    cards 400
    new_log
    "$cardprep" run job.yaml --workers 1 >out 2>err &
    coordinator=$!
    until [ "$(stat -c %s demo.mic.partial 2>/dev/null || echo 0)" -gt 20000 ]; do
        kill -0 $coordinator 2>/dev/null || fail "it ended before it was interrupted: $(cat err)"
        sleep 0.05
    done
    kill -INT $coordinator
    status=0
    wait $coordinator || status=$?
    [ $status -eq 130 ] || fail "exit status $status: $(cat err)"
    lines use-begin 5
    lines use 5
    has count use KML 400
    between 6 399
    chain_holds
}

# Nobody knows how far it came: it counts as if it had come to its end.
killed_run()
{
    stuck
    kill -9 $coordinator
    wait $coordinator || :
    wait $waiter
    lines use-begin 5
    lines use 0
    expect 0 "$cardprep" check job.yaml --no-token
    tells 'key KML/1: 120 blocks'
}

# A worker that ends takes its cards with it: they are derived again, and both times count.
killed_worker()
{
    own_tokens
    job job
    cards 8
    new_log
    through_proxy
    rm -f once
    export P11PROXY_ONCE="$PWD/once" P11PROXY_KILL=C_DeriveKey:30
    expect 0 "$cardprep" run job.yaml --workers 1 --json
    tells '"workers_replaced": 1'
    accepted demo.mic
    has count use KML 8
    between 9 16
}

failed_run()
{
    own_tokens
    job job
    cards 1
    new_log
    through_proxy
    P11PROXY_LOG="$PWD/calls.log" "$cardprep" run job.yaml --workers 1 --output one.mic
    : >audit.jsonl
    cards 8
    # Every process fails at the third derivation of its first card.
    export P11PROXY_FAIL="C_DeriveKey:+$(($(grep -c C_DeriveKey calls.log) - 2)):0x30"
    expect 3 "$cardprep" run job.yaml --workers 1
    nothing_there demo.mic
    lines use-begin 5
    lines use 5
    [ "$(member actual use KML)" -lt 100 ] || fail "$(cat audit.jsonl)"
    chain_holds
}

begin audit softhsm
shows 'each use of a master key is written down' written_down
shows 'one worker or two' workers_do_not_matter
shows "cards' own keys count for their master" cards_own_keys_count
shows 'the log of the ceremony that made the keys' ceremonys_own_log
shows 'shards plan their share' shards_plan_their_share
shows 'keys out of their dates' out_of_its_dates
shows 'KEK and signing key have dates too' other_keys_have_dates_too
shows 'keys that were followed, destroyed, exchanged' followed_destroyed_exchanged
shows 'limits: warn and stop' limits
shows 'a log that is broken or not there' broken_log
shows 'a log that was cut' cut_log
shows 'an interrupted run says how far it came' interrupted_run
shows 'a killed run counts as planned' killed_run
shows 'what a killed worker did counts too' killed_worker
shows 'a failed run says how far it came' failed_run
finish
