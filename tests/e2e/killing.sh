#!/bin/sh
# Workers that die or hang at any call, a run that is interrupted or killed: the file is whole and right, or is not there. The
# module in front of the token kills or hangs the process between two calls, at the call that a case names: never inside the
# module, where a kill may cost a soft token its file.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

id=00112233445566778899AABBCCDDEEFF

# start_case EXAMPLE CARDS [FORMAT]: a job through the proxy on own tokens, its good result, and how many objects there are.
start_case()
{
    own_tokens
    job "$1"
    cards "$2" "${3:-csv}"
    output=$(sed -n 's/^output: {file: \([^,}]*\).*/\1/p' job.yaml)
    expect 0 "$cardprep" run job.yaml --output good.mic --job-id $id --workers 1
    through_proxy
    before=$(objects demo-issuer)
}

# once VARIABLE FAULT: the fault happens in one process of the next run.
once()
{
    rm -f once
    export P11PROXY_ONCE="$PWD/once"
    export "$1=$2"
}

# whole_and_right WORKERS: the run comes to a good end in spite of it, with the cards of the good file.
whole_and_right()
{
    rm -f "$output"
    expect 0 "$cardprep" run job.yaml --job-id $id --workers "$1" --json
    accepted "$output"
    same_cards good.mic "$output"
}

replaced()
{
    [ "$(sed -n 's/.*"workers_replaced": \([0-9]*\).*/\1/p' out)" -eq "$1" ] || fail "not $1 workers replaced: $(cat out)"
}

nothing_left_on_the_token()
{
    [ "$(objects demo-issuer)" -eq "$before" ] || fail "$before objects before, $(objects demo-issuer) after"
}

# calls KIND: how many of these calls a run with one worker makes.
calls()
{
    grep -c "^[0-9]* $1 " calls.log
}

# kinds: the functions that a run with one worker calls, from calls.log.
kinds()
{
    sed 's/^[0-9]* \(C_[A-Za-z]*\).*/\1/' calls.log | sort -u
}

record_calls()
{
    rm -f calls.log "$output"
    P11PROXY_LOG="$PWD/calls.log" "$cardprep" run job.yaml --job-id $id --workers 1 >/dev/null 2>&1
}

killed_at_each_kind_of_call()
{
    start_case job 2
    record_calls
    for kind in $(kinds); do
        count=$(calls "$kind")
        for at in 1 $(((count + 1) / 2)) "$count"; do
            once P11PROXY_KILL "$kind:$at"
            whole_and_right 1
            # Killed when its work is done, it need not be replaced.
            case $kind-$at in
            C_Finalize* | C_CloseSession* | *-"$count") ;;
            *) replaced 1 ;;
            esac
        done
    done
    nothing_left_on_the_token
}

killed_anywhere()
{
    start_case job-fixed 5 fixed
    record_calls
    all=$(wc -l <calls.log)
    at=1
    [ -z "${E2E_LONG:-}" ] && step=23 || step=1
    while [ "$at" -le "$all" ]; do
        once P11PROXY_KILL "*:$at"
        whole_and_right 2
        at=$((at + step))
    done
    nothing_left_on_the_token
}

# Moments from a linear congruential sequence: the same ones each time.
killed_at_random()
{
    start_case job-fixed 40 fixed
    seed=20261121
    for round in 1 2 3 4 5; do
        seed=$(((seed * 1103515245 + 12345) % 2147483648))
        echo "round $round: call $((100 + seed % 500))"
        once P11PROXY_KILL "*:$((100 + seed % 500))"
        whole_and_right 2
    done
    nothing_left_on_the_token
}

hung_worker_is_replaced()
{
    start_case job-fixed 3 fixed
    change job.yaml 's/^output/card_timeout: 1\noutput/'
    record_calls
    for kind in C_WrapKey C_SignInit; do
        once P11PROXY_HANG "$kind:$(($(calls $kind) - 2))"
        whole_and_right 1
        if grep -q '"workers_replaced": 0' out; then fail "no worker was replaced: $(cat out)"; fi
    done
    nothing_left_on_the_token
}

# One card and eight workers: the run ends while most of them are logging in. SoftHSM writes its token file at each login.
run_that_ends_during_logins()
{
    start_case job-fixed 1 fixed
    for round in 1 2 3 4; do
        whole_and_right 8
        find own/tokens -name token.object -size 0 >lost
        [ ! -s lost ] || fail "round $round: a token file is empty"
    done
    nothing_left_on_the_token
}

# Every worker dies at its sixth wrap: the first card's.
record_that_fells_two_is_named()
{
    start_case job-fixed 3 fixed
    change job.yaml 's/^on_bad_record.*//; s/, set_aside: [^}]*//'
    export P11PROXY_KILL=C_WrapKey:6
    expect 4 "$cardprep" run job.yaml --workers 1
    says 'record 1'
    says 'felled 2 worker processes'
    says 'signal 9'
    nothing_there "$output"
    nothing_left_on_the_token
}

workers_that_never_start()
{
    start_case job-fixed 1 fixed
    export P11PROXY_KILL=C_Login:1
    expect 3 "$cardprep" run job.yaml --workers 2
    one_message
    says 'worker processes in a row ended while they started'
    nothing_there "$output"
}

signing_that_kills_ends()
{
    start_case job-fixed 1 fixed
    record_calls
    last=$(calls C_SignInit) # END's
    export P11PROXY_KILL="C_SignInit:$last"
    rm -f "$output"
    change job.yaml 's/^on_bad_record.*//; s/, set_aside: [^}]*//'
    # A worker that comes later makes fewer calls before: it signs, or dies as well. Both must come to an end.
    status=0
    "$cardprep" run job.yaml --workers 1 >out 2>err || status=$?
    case $status in
    0) accepted "$output" ;;
    3) one_message && nothing_there "$output" ;;
    *) fail "exit status $status: $(cat err)" ;;
    esac
}

# starts_hung: a run of 600 cards in the background whose worker hangs in the middle; waits until it does.
starts_hung()
{
    own_tokens
    job job "s/^  - {aid: A000000003101001.*//; s/^  - {aid: A0000000031010.*//; s/, optional: yes//; s/^output/card_timeout: $1\noutput/
        s/^counter.*//; s/^issuer_keys.*//; s/^  - {name: demo-issuer-key.*//; /^keys:/d; /^  - {name: K/d; /^  - {name: M/d"
    cards 600
    change cards.csv 's/,,,,\(portrait\)/,770000000000,0,basic,\1/; s/^\(demo-\([0-9]*\),.*\),770000000000,/\1,771000\2,/'
    output=demo.mic
    through_proxy
    once P11PROXY_HANG C_SignInit:250
    export P11PROXY_LOG="$PWD/calls.log"
    mkfifo gone
    "$cardprep" run job.yaml --workers 1 >out 2>err 9>gone &
    coordinator=$!
    (: >all_gone; cat >/dev/null; echo yes >all_gone) <gone &
    waiter=$!
    until grep -q 'C_SignInit.*FFFFFFFFFFFFFFFF' calls.log 2>/dev/null; do
        kill -0 $coordinator 2>/dev/null || fail "it ended before it hung: $(cat err)"
        sleep 0.05
    done
}

interrupted()
{
    starts_hung 1
    kill "-$1" $coordinator
    status=0
    wait $coordinator || status=$?
    wait $waiter
    [ $status -eq 130 ] || fail "exit status $status: $(cat err)"
    says 'interrupted after'
    says 'rm'
    [ ! -e "$output" ] || fail 'an interrupted run has an output'
    expect 1 "$reader" --incomplete demo.keys.json "$output.partial"
    says 'incomplete: no end record; the '
    says ' card records before it are right'
    expect 4 "$cardprep" verify "$output.partial" --signer demo-signer.pem
    says 'incomplete'
    # The next run says what is in its way.
    unset P11PROXY_HANG P11PROXY_ONCE
    expect 6 "$cardprep" run job.yaml
    says "$output.partial"
    expect 0 "$cardprep" run job.yaml --output again.mic
    accepted again.mic 'accepted: 600 records'
}

interrupted_by_the_terminal()
{
    interrupted INT
}

interrupted_by_the_system()
{
    interrupted TERM
}

coordinator_killed()
{
    starts_hung 60
    kill -9 $coordinator
    wait $coordinator || :
    wait $waiter # ends when the last process of the run has gone, the hung worker too
    [ "$(cat all_gone)" = yes ] || fail 'processes of the run live on'
    [ ! -e "$output" ] || fail 'a killed run has an output'
    if "$cardprep" verify --no-signer "$output.partial" >/dev/null 2>&1; then fail 'it passes as a whole file'; fi
}

keeper_killed()
{
    starts_hung 60
    keeper=$(tr -d ' ' <"/proc/$coordinator/task/$coordinator/children")
    kill -9 "$keeper"
    status=0
    wait $coordinator || status=$?
    wait $waiter
    case $status in 0 | 4 | 130) fail "exit status $status: $(cat err)" ;; esac
    nothing_there "$output"
}

# killing.sh [quick]: quick shows what takes no time.
begin "killing${1:+_$1}" softhsm
if [ "${1:-}" = quick ]; then
    shows 'a hung worker is replaced' hung_worker_is_replaced
    shows 'a run that ends while workers log in leaves the token whole' run_that_ends_during_logins
    shows 'a record that fells two workers is named' record_that_fells_two_is_named
    shows 'workers that never start end the run' workers_that_never_start
    shows 'a signature that kills workers ends the run' signing_that_kills_ends
    shows 'SIGINT leaves an incomplete file' interrupted_by_the_terminal
    finish
    exit
fi
shows 'a worker killed at each kind of call' killed_at_each_kind_of_call
shows 'a worker killed anywhere in its life' killed_anywhere
shows 'a worker killed at random' killed_at_random
shows 'SIGTERM leaves an incomplete file' interrupted_by_the_system
shows 'a killed coordinator takes all its processes along' coordinator_killed
shows 'a killed keeper ends the run' keeper_killed
finish
