#!/bin/sh
# cardbureau killed with SIGKILL at each step that reaches its journal, its books or its station, and its processes killed while a card is
# under way. The journal says what is true, and the next run makes what is missing, on the same card. The library in front of the C library
# kills (tests/support/killpoint.c): between two of its calls nothing happens that is seen from outside.
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd "bureau_killing${1:+_$1}" "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

killpoint=$E2E_BUILD/tests/support/killpoint.so

# dying COMMAND: one card in reader 0, counting calls into `steps`; with KILLPOINT_AT it is killed. Its exit status is in `status`. It
# returns when all of its processes have gone, which all have the pipe open.
dying()
{
    rm -f steps
    rm -f gone
    mkfifo gone
    cat gone >/dev/null &
    gone=$!
    status=0
    env LD_PRELOAD="$killpoint" KILLPOINT_LOG=steps ASAN_OPTIONS=verify_asan_link_order=0 timeout 60 \
        "$cardbureau" "$1" demo.mic --settings bureau.yaml --reader '* 00 00' --count 1 >out 2>err 9>gone || status=$?
    wait $gone
}

# start_case: a job of one card that the bureau has checked, the blank card, and the steps of a run that is not killed.
start_case()
{
    ordered 1 "$only_purse"
    blank 1 2
    cp c1 blank
    cp demo-books.sqlite books
    insert c1 0
    dying personalize
    [ "$status" -eq 0 ] || fail "exit status $status: $(cat err)"
    all_made 1
    remove 0
    cp steps all_steps
}

# as_before: no card was begun.
as_before()
{
    rm -f demo-books.sqlite*
    cp books demo-books.sqlite
    cp blank c1
    insert c1 0
}

# finished: whatever the killed run left, one more run makes the card that is in the reader; nothing is left to do then.
finished()
{
    case $(journal_tells) in
    *made*) ;;
    *half-done* | *unknown*) bureau 0 redo --reader '* 00 00' ;;
    *) bureau 0 personalize --reader '* 00 00' ;;
    esac
    all_made 1
    bureau 4 personalize --reader '* 00 00'
    remove 0
}

# killed_at STEP…: a run for each, that is killed there.
killed_at()
{
    for step in "$@"; do
        as_before
        KILLPOINT_AT=$step
        export KILLPOINT_AT
        dying personalize
        unset KILLPOINT_AT
        [ "$status" -eq 137 ] || fail "step $step: exit status $status: $(cat err)"
        [ "$(tail -n 1 steps)" = "$(sed -n "${step}p" all_steps)" ] || fail "step $step is another: $(tail -n 1 steps)"
        journal_is_true
        echo "$(tail -n 1 steps): $(cat told)"
        finished
    done
}

# steps_of REGEX: the numbers of such steps, from the first line about a card on.
steps_of()
{
    sed '1,/fsync .*\.journal$/d' all_steps | sed -n '/write .*\.journal$/,$p' | grep -E "$1" | cut -d ' ' -f 1
}

# Before each line of the journal, and before each word to the station: the line is there then, and what it allows is not done.
before_lines_and_words()
{
    start_case
    # shellcheck disable=SC2046 # one number a word
    killed_at $(steps_of 'write .*\.journal$|send socket')
}

# Also before the sync of a line, and at each write of the books.
at_each_step()
{
    start_case
    # shellcheck disable=SC2046
    killed_at $(steps_of .)
}

# The run after a killed one is killed as well, at each step at which it mends what it finds and before it begins: journal and books are
# one line apart before, as far as they ever are.
mending_is_killed()
{
    start_case
    for step in $(steps_of 'fsync .*\.journal$'); do
        for second in 1 2 3 4 5 6 7 8 9 10 13 16 19 22 25 28 31 34 37 40; do
            as_before
            export KILLPOINT_AT=$((step + 1))
            dying personalize
            [ "$status" -eq 137 ] || fail "step $step: exit status $status: $(cat err)"
            export KILLPOINT_AT=$second
            dying redo
            unset KILLPOINT_AT
            journal_is_true
            echo "$(tail -n 1 steps): $(cat told)"
            finished
        done
    done
}

# The process of a reader, while its token hangs behind the last STORE DATA: the run writes down what is known.
station_dies()
{
    start_case
    bureau_through_proxy
    as_before
    rm -f gone
    mkfifo gone
    P11PROXY_HANG=C_GenerateRandom:3 P11PROXY_LOG="$PWD/calls" "$cardbureau" personalize demo.mic --settings bureau.yaml \
        --reader '* 00 00' >out 2>err 9>gone &
    run=$!
    (: >all_gone; cat >/dev/null; echo yes >all_gone) <gone &
    waiter=$!
    until_true grep -q 'FFFFFFFFFFFFFFFF' calls
    station=$(tr -d ' ' <"/proc/$run/task/$run/children")
    token=$(tr -d ' ' <"/proc/$station/task/$station/children")
    kill -9 "$station"
    status=0
    wait $run || status=$?
    kill -9 "$token" # it hangs in the module and hears nothing
    wait $waiter
    [ "$(cat all_gone)" = yes ] || fail 'processes of the run live on'
    [ "$status" -ne 0 ] || fail 'a good end'
    says 'the station ended by signal 9'
    journal_is_true
    grep -q '^1 half-done ' told || fail "the journal says $(cat told)"
    finished
}

begin "bureau_killing${1:+_$1}" softhsm
if [ "${1:-}" = quick ]; then
    shows 'killed before each line of the journal and each word to the station' before_lines_and_words
    shows 'the process of a reader is killed in the middle of a card' station_dies
    finish
    exit
fi
shows 'killed at each step' at_each_step
shows 'the run that mends is killed' mending_is_killed
finish
