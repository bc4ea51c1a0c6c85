#!/bin/sh
# A token that refuses a call, or whose process is killed at one, while cards are made: the run ends with exit status 3 and says which call
# it was, the journal says of the card what is true, and a later run finishes it.
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd "bureau_token_faults${1:+_$1}" "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

# start_case: a job of one card, its card in reader 0, and the calls of a run that makes it, in `calls`.
start_case()
{
    own_tokens
    ordered 1 "$only_purse"
    bureau_through_proxy
    blank 1 2
    cp c1 blank
    cp demo-books.sqlite books
    insert c1 0
    P11PROXY_LOG="$PWD/calls" bureau 0 personalize --reader '* 00 00'
    all_made 1
    as_before
}

# as_before: a blank card in the reader, and no card was begun.
as_before()
{
    remove 0
    rm -f demo-books.sqlite*
    cp books demo-books.sqlite
    cp blank c1
    insert c1 0
}

# go_on: a run that begins the card or repeats it. Its exit status is in `status`.
go_on()
{
    command=personalize
    if grep -q card-begun demo-books.sqlite.*.journal 2>/dev/null; then command=redo; fi
    status=0
    timeout 60 "$cardbureau" "$command" demo.mic --settings bureau.yaml --reader '* 00 00' --retries 1000 >out 2>err || status=$?
}

# ended FAULT MESSAGE: the run made the card, or was refused as it should be.
ended()
{
    case $status in
    0) grep -q ' made ' told || fail "$1: nothing is made: $(cat err)" ;;
    3)
        [ "$(grep -c '^cardbureau' err)" -eq 1 ] || fail "$1: not one message: $(cat err)"
        says "$2"
        ;;
    *) fail "$1: exit status $status: $(cat err)" ;;
    esac
}

# faulty_at VARIABLE SUFFIX RESULT MESSAGE CALL…: a run for each call, in which it happens. The card is the same one as long as it is not
# made; a run that repeats one makes fewer calls, and is done again with a new one where it did not come so far.
faulty_at()
{
    variable=$1
    suffix=$2
    result=$3
    message=$4
    shift 4
    for call in "$@"; do
        for try in repeated new; do
            rm -f calls.now
            export "$variable=*:$call$suffix" P11PROXY_LOG="$PWD/calls.now"
            go_on
            unset "$variable" P11PROXY_LOG
            journal_is_true
            ended "$(sed -n "${call}p" calls)" "$message"
            echo "$call $(sed -n "${call}s/^[0-9]* \([^ ]*\).*/\1/p" calls): $status $(cat told)"
            [ "$status" -ne 0 ] || as_before
            if grep -q "^$call .*-> $result\$" calls.now; then break; fi
            [ $try = repeated ] || fail "call $call did not happen"
        done
    done
}

# finished: what is left is made, and nothing else.
finished()
{
    go_on
    [ "$status" -eq 0 ] || fail "exit status $status: $(cat err)"
    remove 0
    all_made 1
    read_back 1
}

# middle_of_each: one call of each function.
middle_of_each()
{
    awk '{ count[$2]++; at[$2, count[$2]] = $1 } END { for (name in count) print at[name, int((count[name] + 1) / 2)] }' calls | sort -n
}

calls_fail()
{
    start_case
    # shellcheck disable=SC2046 # one number a word
    faulty_at P11PROXY_FAIL :0x30 0x30 CKR_DEVICE_ERROR $("$@")
    finished
}

# The process that holds the token, killed at these calls.
processes_die()
{
    start_case
    # shellcheck disable=SC2046
    faulty_at P11PROXY_KILL '' 0xFFFFFFFFFFFFFFFF 'the token process has ended' $("$@")
    finished
}

every_call()
{
    cut -d ' ' -f 1 calls
}

each_call_fails()
{
    calls_fail every_call
}

each_function_fails()
{
    calls_fail middle_of_each
}

# The first and the last of those that a card needs, and some between them.
some_of_a_card()
{
    awk '/ C_GenerateRandom/ { of_a_card = 1 } of_a_card && (n++ % 24 == 0)' calls | cut -d ' ' -f 1
}

killed_in_a_card()
{
    processes_die some_of_a_card
}

killed_in_each_function()
{
    processes_die middle_of_each
}

begin "bureau_token_faults${1:+_$1}" softhsm
if [ "${1:-}" = quick ]; then
    shows 'a call of each function fails' each_function_fails
    shows 'the token process is killed while a card is under way' killed_in_a_card
    finish
    exit
fi
shows 'each call fails' each_call_fails
shows 'the token process is killed in each function' killed_in_each_function
finish
