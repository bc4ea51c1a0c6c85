#!/bin/sh
# softcard in the readers of a real pcscd with vpcd, spoken to by opensc-tool. No token is needed.
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd softcard "$@"
script=$E2E_BUILD/tests/card/card_script
folder=$E2E_WORK/softcard
rm -rf "$folder"
suite=softcard
cases=0
failures=0
tokens=none
furnish()
{
    :
}

load()
{
    "$script" load "$1" "$2" "$3" >commands
    # shellcheck disable=SC2046 # one command a word
    talk 0 $(cat commands)
    [ "$(grep -c '9000$' answers)" -eq "$(wc -l <commands)" ] || fail "$2: $(cat answers) $(cat said)"
}

select_and_read()
{
    "$softcard" --new --state card --serial 00000001
    insert card 0
    opensc-tool -r 0 -a | grep -qi '3b:e8:00:00:81:31:fe:45:73:6f:66:74:63:61:72:64:f9' || fail "$(opensc-tool -r 0 -a)"
    talk 0 00A4040000
    last_is 6F108408A000000151000000A5049F6501FF9000
    talk 0 80CA00CF00
    last_is CF0A000000000000000100009000
    talk 0 80CA00E000
    last_is E012C00401018810C00402018810C004030188109000
    remove 0
}

# Three applications through SCP02 with a known challenge, read back after the card has been out of the reader.
personalized_scp02()
{
    "$softcard" --new --state card --serial 00000002 --scp 02 --i 55
    insert card 0
    for application in purse emv loyalty; do
        load card "$application" 03
    done
    remove 0
    insert card 0
    talk 0 00A4040007A000000003101000 80A8000002830000 00B2010C00
    last_is '70.*9000'
    talk 0 00A4040007A000000003101000 00880000041122334400
    last_is '8081.*9000'
    signature=$(tail -n 1 answers | sed 's/^8081..//; s/9000$//')
    "$script" verify "$signature" 11223344
    if "$script" verify "$signature" 11223345 2>/dev/null; then fail 'any data verify'; fi
    talk 0 00A4040008F04C4F59414C545900 00B2010C00
    last_is '7011DF2106000000123456DF23056261736963''9000'
    remove 0
}

personalized_scp03()
{
    "$softcard" --new --state card --serial 00000003 --scp 03 --i 70
    insert card 0
    load card emv 33
    load card purse 13
    load card loyalty 01
    talk 0 00A404000E325041592E5359532E444446303100
    last_is '6F.*4F07A0000000031010.*9000'
    remove 0
}

two_readers()
{
    "$softcard" --new --state first --serial 00000004
    "$softcard" --new --state second --serial 00000005
    "$softcard" --reader 1 --state second 2>second.log &
    second=$!
    insert first 0
    until_true has_card 1
    talk 0 80CA00CF00
    last_is CF0A000000000000000400009000
    talk 1 80CA00CF00
    last_is CF0A000000000000000500009000
    kill $second
    wait $second || fail "softcard ended with $?"
    remove 0
}

protocol_t0()
{
    "$softcard" --new --state card --serial 00000006 --scp 02 --i 55 --t0
    insert card 0
    load card loyalty 01
    talk 0 00A4040008F04C4F59414C5459 00B2010C00
    last_is '7011DF2106000000123456DF23056261736963''9000'
    remove 0
}

# What is no card takes whatever comes.
no_card()
{
    "$softcard" --echo --reader 0 2>card.log &
    card=$!
    until_true has_card 0
    talk 0 00A4040000 80E2000003010203 00B2010C00
    [ "$(cat answers)" = "$(printf '9000\n9000\n9000')" ] || fail "answers: $(cat answers)"
    remove 0
}

# The card that is pulled out ends; put in again it is as it was before the power went.
pulled_and_put_in_again()
{
    "$softcard" --new --state card --serial 00000007 --scp 02 --i 55
    insert card 0
    "$script" load card loyalty 03 >commands
    remove 0
    cp card before
    insert card 0 --fail "powerloss@$(wc -l <commands)"
    # shellcheck disable=SC2046
    talk 0 $(cat commands)
    wait "$card" || fail "softcard ended with $?"
    grep -q 'pulled out' card.log
    await_empty 0
    [ -e card.partial ] || fail 'nothing was being written'
    insert card 0
    [ ! -e card.partial ]
    load card loyalty 03
    remove 0
}

refused()
{
    expect 2 "$softcard" --state card --new
    expect 2 "$softcard" --state card --new --serial 0001
    expect 2 "$softcard" --state card --new --serial 00000001 --scp 02 --i 70
    expect 2 "$softcard" --state card --new --serial 00000001 --keys 00:11:22
    expect 2 "$softcard" --state card --fail pull
    expect 2 "$softcard" --state card --echo
    expect 2 "$softcard" --echo --serial 00000001
    expect 6 "$softcard" --state none
    expect 2 "$softcard"
    echo "$(printf '%032d' 1):$(printf '%032d' 2):$(printf '%032d' 3)" | "$softcard" --state given --new --serial 00000001 --keys -
    expect 6 "$softcard" --state given --new --serial 00000001
    head -c 100 given >part
    expect 4 "$softcard" --state part
    [ ! -e card ] || fail 'a refused card was made'
}

shows 'SELECT, GET DATA and ATR' select_and_read
shows 'three applications over SCP02, read back, DDA' personalized_scp02
shows 'three applications over SCP03' personalized_scp03
shows 'two readers' two_readers
shows 'T=0' protocol_t0
shows 'no card: --echo' no_card
shows 'power loss in STORE DATA' pulled_and_put_in_again
shows 'what is refused' refused
finish
