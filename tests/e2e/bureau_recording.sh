#!/bin/sh
# Where the secrets of a card are while it is made: on the way between token and bureau, byte for byte as a module in front of the token has
# seen it, and in the memory of the process that drives the reader. What to look for comes from the independent reader and from openssl.
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd bureau_recording "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

scan=$E2E_BUILD/tests/support/memory_scan
domain=A000000151000000

# ---- what is secret ----

# cmac KEY DATA
cmac()
{
    hex_bytes "$2" | openssl mac -cipher AES-128-CBC -macopt "hexkey:$1" CMAC
}

# scp03_key KEY CONSTANT BITS CONTEXT: GlobalPlatform amendment D, 4.1.5.
scp03_key()
{
    cmac "$1" "0000000000000000000000${2}00${3}01$4"
}

# tdes_session_key KEY CONSTANT COUNTER: GlobalPlatform card specification, E.4.1.
tdes_session_key()
{
    hex_bytes "$2$3$(printf %024d 0)" | openssl enc -des-ede-cbc -nopad -K "$1" -iv 0000000000000000 | basenc --base16
}

# in_channel_order RECORD: who is selected, one after the other: the domain, each application, the domain again.
in_channel_order()
{
    echo $domain
    sed -nE "s|^record $1/CHIP/entry ([0-9A-F]*)/KEKID = .*|\1|p" dump
    echo $domain
}

# scp03_secrets NUMBER RECORD: the card's keys, and those of each session so far, as "NAME VALUE". Its challenges are made of its counter
# (i = 70), the host's are drawn by the token and stand in `crossed`.
scp03_secrets()
{
    serial=$(serial_of "$1")
    for key in 1 2 3; do echo "static-$key $(card_key $key "$serial" 2)"; done
    enc=$(card_key 1 "$serial" 2)
    mac=$(card_key 2 "$serial" 2)
    counter=0
    in_channel_order "$2" >channels
    sed -n 's/^[0-9]* C_GenerateRandom out //p' crossed | paste -d ' ' - channels | while read -r host aid; do
        [ -n "$aid" ] || break
        card=$(scp03_key "$enc" 02 0040 "$(printf %06X $counter)$aid" | cut -c 1-16)
        counter=$((counter + 1))
        echo "session-$counter-enc $(scp03_key "$enc" 04 0080 "$host$card")"
        echo "session-$counter-mac $(scp03_key "$mac" 06 0080 "$host$card")"
        echo "session-$counter-rmac $(scp03_key "$mac" 07 0080 "$host$card")"
    done | grep -E ' [0-9A-F]{32}$'
}

scp02_secrets()
{
    serial=$(serial_of "$1")
    for key in 1 2 3; do echo "static-$key $(card_key $key "$serial" 3)"; done
    for counter in 0 1 2 3; do
        at=$(printf %04X $counter)
        echo "session-$counter-mac $(tdes_session_key "$(card_key 2 "$serial" 3)" 0101 "$at")"
        echo "session-$counter-rmac $(tdes_session_key "$(card_key 2 "$serial" 3)" 0102 "$at")"
        echo "session-$counter-enc $(tdes_session_key "$(card_key 1 "$serial" 3)" 0182 "$at")"
        echo "session-$counter-dek $(tdes_session_key "$(card_key 3 "$serial" 3)" 0181 "$at")"
    done
}

# of_the_record RECORD: its keys, "key-… VALUE", and the numbers of its private keys, "d-…" and "crt-…".
of_the_record()
{
    sed -nE "s|^record $1/CHIP/entry ([0-9A-F]*)/E1 ([^/]*)/C7 unwrapped = (.*)|\1 \2 \3|p" dump | while read -r aid name value; do
        case $value in
        30*)
            echo "$value" | basenc --base16 -d >private.der
            openssl pkey -inform DER -in private.der -noout -text |
                awk -v at="$aid" '/^[A-Za-z]/ { name = $1; next } { gsub(/[ :]/, ""); value[name] = value[name] toupper($0) }
                    END {
                        for (name in value) {
                            sub(/^00/, "", value[name])
                            if (name == "privateExponent:") print "d-" at, value[name]
                            else if (name ~ /^(prime[12]|exponent[12]|coefficient):/) print "crt-" name at, value[name]
                        } }'
            ;;
        *) echo "key-$name $value" ;;
        esac
    done
}

# masters: every key that the reader's file of keys has.
masters()
{
    grep -oE '"[0-9a-fA-F]{32,64}"' demo.keys.json | tr -d '"' | upper | sort -u | sed 's/^/master /'
}

# ---- what crosses the boundary ----

# made_recorded NUMBER: one card made; every value that crossed is in `crossed`.
made_recorded()
{
    bureau_through_proxy
    insert "c$1" 0
    rm -f crossed
    P11PROXY_DATA="$PWD/crossed" bureau 0 personalize --reader '* 00 00' --count 1
    remove 0
    [ "$(wc -l <crossed)" -gt 300 ] || fail 'nothing was written down'
}

# crosses VALUE: the calls with which it crosses, "C_Encrypt in".
crosses()
{
    grep -F "$1" crossed | cut -d ' ' -f 2-3 | sort -u
}

# none_crosses: nothing of `secrets` does.
none_crosses()
{
    [ "$(wc -l <secrets)" -ge "$1" ] || fail "few secrets: $(cat secrets)"
    while read -r name value; do
        [ ${#value} -ge 32 ] || fail "$name is $value"
        if grep -F "$value" crossed >found; then fail "$name crosses: $(cut -d ' ' -f 1-3 found)"; fi
    done <secrets
}

# only_translated: each of `secrets` leaves by translate's two steps (docs/THREATS.md, named exception 1): read, and given back at once to
# be encrypted for the card.
only_translated()
{
    [ -s secrets ] || fail 'nothing to look for'
    while read -r name value; do
        crosses "$value" >found
        printf 'C_Encrypt in\nC_GetAttributeValue out\n' | cmp -s - found || fail "$name crosses: $(cat found)"
    done <secrets
}

# The keys computed here are the card's: the first MAC that the token makes behind each drawn challenge is one under the session's key.
sessions_are_right()
{
    awk '/ C_GenerateRandom out / { drawn = 1 }
        / C_Sign in / && drawn { text = $4; number = $1 }
        / C_Sign out / && $1 == number { print text, $4; drawn = 0; number = "" }' crossed >macs
    grep 'session-.*-mac' secrets | cut -d ' ' -f 2 | paste -d ' ' - macs >checked
    [ "$(wc -l <checked)" -eq "$(wc -l <channels)" ] || fail "not each channel has a MAC: $(cat checked)"
    while read -r key text mac; do
        [ "$(cmac "$key" "$text")" = "$mac" ] || fail "another key than $key"
    done <checked
}

aes_card()
{
    ordered 1
    blank 1 2
    made_recorded 1
    { scp03_secrets 1 1; masters; of_the_record 1 | grep -v ^crt; } >secrets
    none_crosses 20
    sessions_are_right
    of_the_record 1 | grep ^crt >secrets
    only_translated
}

# tdes_sessions_are_right: some session's data key gives the ciphertext of the purse's keys that the token gave.
tdes_sessions_are_right()
{
    text=$(of_the_record 1 | sed -n 's/^key-KD[LU] //p' | tr -d '\n')
    number=$(grep -F " C_Encrypt in $text" crossed | cut -d ' ' -f 1)
    due=$(sed -n "s/^$number C_Encrypt out //p" crossed)
    sed -n 's/^session-.*-dek //p' secrets | while read -r key; do
        hex_bytes "$text" | openssl enc -des-ede -nopad -K "$key" | basenc --base16 -w 0
        echo
    done | grep -qxF "$due" || fail "no session's data key gives $due"
}

# This token wraps nothing under a TDES key: the record's DES keys are translated as well.
tdes_card()
{
    own_tokens
    ordered 1
    tdes_kmc
    blank 1 3 --scp 02 --i 15
    made_recorded 1
    { scp02_secrets 1; masters; echo "master $kmc_des"; of_the_record 1 | grep ^d; } >secrets
    none_crosses 20
    tdes_sessions_are_right
    of_the_record 1 | grep -v ^d >secrets
    only_translated
}

# ---- what is in memory ----

# scanned PROCESS PATTERN…: memory_scan's words in `scanned`, and its status.
scanned()
{
    status=0
    "$scan" "$@" >scanned 2>&1 || status=$?
    [ "$status" -ne 77 ] || { echo 'this system does not let a test look into a process: skipped'; kill -9 "$token"; exit 0; }
}

holds()
{
    scanned "$@"
    [ "$status" -eq 1 ] || fail "not found: $* $(cat scanned)"
}

# holds_none PROCESS: nothing of `secrets`.
holds_none()
{
    # shellcheck disable=SC2046 # one value a word
    scanned "$1" $(cut -d ' ' -f 2 secrets)
    [ "$status" -eq 0 ] || fail "$(cat scanned)"
    grep -q 'bytes looked at, 0 times' scanned || fail "$(cat scanned)"
}

# The token process is held in the middle of a MAC, with everything on the card but the last STORE DATA. What it has in hand then, the
# session's key, the same search finds in it.
half_way()
{
    ordered 2
    blank 1 2
    blank 2 2
    bureau_through_proxy
    insert c1 0
    P11PROXY_LOG="$PWD/calls" bureau 0 personalize --reader '* 00 00' --count 1
    remove 0
    insert c2 0
    P11PROXY_HANG="C_Sign:$(($(grep -c ' C_Sign ' calls) - 4))" P11PROXY_LOG="$PWD/held" P11PROXY_DATA="$PWD/crossed" \
        "$cardbureau" personalize demo.mic --settings bureau.yaml --reader '* 00 00' --count 1 >out 2>err &
    run=$!
    : >>held
    until_true grep -q FFFFFFFFFFFFFFFF held
    station=$(tr -d ' ' <"/proc/$run/task/$run/children")
    token=$(tr -d ' ' <"/proc/$station/task/$station/children")
    { scp03_secrets 2 2; masters; of_the_record 2; } >secrets
    [ "$(wc -l <secrets)" -gt 40 ] || fail "few secrets: $(cat secrets)"
    session=$(sed -n 's/^session-.*-mac //p' secrets | tail -n 1)
    for process in "$run" "$station"; do
        holds_none "$process"
        holds "$process" =portrait-000002
    done
    holds "$token" "$session"
    kill -9 "$token"
    status=0
    wait $run || status=$?
    [ "$status" -eq 3 ] || fail "exit status $status: $(cat err)"
    journal_is_true
    grep -q '^2 half-done ' told || fail "the journal says $(cat told)"
    bureau 0 redo --reader '* 00 00'
    remove 0
    all_made 2
    read_back 2
}

begin bureau_recording softhsm
shows 'of an AES card only the parts of its private keys cross, to be encrypted' aes_card
shows 'of a TDES card only what this token cannot wrap crosses, to be encrypted' tdes_card
shows 'half way through a card, who drives its reader holds none of its secrets' half_way
finish
