#!/bin/sh
# From the issuer's lines to cards in readers and back: cardprep run, cardbureau personalize, each element read back by opensc-tool, the
# return file, cardprep reconcile. What is due comes from the independent reader and from openssl.
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd personalize "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

# ---- cases ----

# Cards of both versions of KMC, in two readers at once.
made_and_read_back()
{
    ordered 4
    blank 1 2 --scp 03 --i 70
    blank 2 2 --scp 03 --i 60
    blank 3 2 --scp 03 --i 00
    blank 4 1 --scp 03 --i 30
    # The PIN comes once, and two processes log in with it.
    sed 's|file:pins/bureau.pin|fd:3|' bureau.yaml >once.yaml
    feed 0 1 3 &
    first=$!
    feed 1 2 4 &
    bureau 0 personalize --settings once.yaml 3<pins/bureau.pin
    tells '4 cards made; 0 half-done, 0 spoiled, 0 left as they were'
    wait $first $! || fail 'cards were not fed'
    bureau 0 status
    for record in 1 2 3 4; do read_back $record; done
    # Nothing is made twice.
    bureau 4 personalize
    # The way back.
    bureau 0 return --output demo.return
    { printf 'cardprep-return-1\0'; sed -n 's/^hash: //p' demo.return | basenc --base16 -d; } >tbs
    [ "$(sed '/^hash: /,$d' demo.return | openssl dgst -sha256 -r | cut -c 1-64 | upper)" = "$(sed -n 's/^hash: //p' demo.return)" ]
    sed -n 's/^signature: //p' demo.return | basenc --base16 -d >signature
    openssl dgst -sha256 -verify return-signer.pem -signature signature tbs
    expect 0 "$cardprep" reconcile --signer demo-signer.pem --bureau-signer return-signer.pem demo.mic demo.return
    tells '4 made'
    tells 'every record is accounted for'
}

# A card pulled out between two commands of a chain, and one whose last answer was lost, are finished by a redo on them, and by no other card.
pulled_out()
{
    ordered 2
    for number in 1 2 3; do blank $number 2; done
    bureau_with 4 personalize '1:pull@20 2:pull-after@48'
    result_is '0 cards made; 2 half-done'
    state_is 1 half-done 1
    state_is 2 half-done 2
    # Another card cannot have them.
    bureau_with 4 redo 3 --count 1 --failures 1
    result_is '0 cards made'
    bureau_with 0 redo '2 1'
    result_is '2 cards made; 0 half-done'
    state_is 1 made 1
    state_is 2 made 2
    read_back 1
    read_back 2
}

# told_is LINE…: the return file's lines without object identifier and time.
told_is()
{
    rm -f demo.return
    bureau 0 return --output demo.return
    sed -n '/^[0-9]/p' demo.return | cut -d ' ' -f 1,3,4,6 >told
    printf '%s\n' "$@" | cmp -s - told || fail "the return file tells: $(cat told)"
}

accounted()
{
    due_status=$1
    shift
    expect "$due_status" "$cardprep" reconcile --signer demo-signer.pem --bureau-signer return-signer.pem demo.mic demo.return "$@"
}

# answered STATUS ANSWER OPTION…: to the question of destroy, at a terminal.
answered()
{
    due_status=$1
    answer=$2
    shift 2
    expect "$due_status" command expect "$E2E_SOURCE/tests/e2e/answer.exp" 'yes/no' "$answer" \
        "$cardbureau" destroy demo.mic --settings bureau.yaml --reason withdrawn "$@"
}

# A half-done card is destroyed, and its record made again by the issuer's list; then a made card is withdrawn, and a spoiled one follows late.
destroyed()
{
    ordered 2
    for number in 1 2 3 4; do blank $number 2; done
    bureau_with 4 personalize '1:pull@20 2'
    bureau 2 destroy --record 1 --reason press </dev/null
    says 'nobody to ask'
    if command -v expect >/dev/null; then
        answered 130 no --record 1
        tells "card $(serial_of 1): record 1, half-done"
        tells 'nothing was booked'
        state_is 1 half-done 1
    fi
    bureau 0 destroy --card "$(serial_of 1)" --reason press --yes
    tells "card $(serial_of 1) is booked as destroyed; its record goes onto another card only by a remake list"
    state_is 1 destroyed 1
    bureau 4 destroy --record 1 --reason press --yes
    says 'is destroyed already'
    bureau 4 redo --reader '* 00 00'
    says 'of 2 records 1 are made, 0 spoiled and 1 destroyed'
    told_is "1 destroyed $(serial_of 1) press" "2 made $(serial_of 2) -"
    accounted 0
    tells '1 destroyed'

    expect 0 "$cardprep" remake job.yaml --records "1=$(serial_of 1)" --reason press --serial 1 --output 1.remake
    expect 0 "$cardbureau" remake 1.remake --settings bureau.yaml
    bureau_with 4 redo 1 --failures 1
    result_is '0 cards made'
    says 'is booked as destroyed: it takes no record'
    bureau_with 0 redo 3
    state_is 1 made 3
    read_back 1
    if command -v expect >/dev/null; then
        answered 0 yes --record 2
    else
        bureau 0 destroy --record 2 --reason withdrawn --yes
    fi
    told_is "1 destroyed $(serial_of 1) press" "1 remade $(serial_of 3) remake-1" "2 made $(serial_of 2) -" \
        "2 destroyed $(serial_of 2) withdrawn"
    accounted 0 1.remake
    tells '1 remade'
    tells '1 destroyed'
    accounted 4

    # Given up first and destroyed afterwards: the record stays on its new card.
    expect 0 "$cardprep" remake job.yaml --records "1=$(serial_of 3)" --reason lost --serial 2 --output 2.remake
    expect 0 "$cardbureau" remake 2.remake --settings bureau.yaml
    bureau_with 0 redo 4
    bureau 0 destroy --card "$(serial_of 3)" --reason found --yes
    state_is 1 made 4
    told_is "1 destroyed $(serial_of 1) press" "1 remade $(serial_of 3) remake-1" "1 missing $(serial_of 3) lost" \
        "1 remade $(serial_of 4) remake-2" "1 destroyed $(serial_of 3) found" "2 made $(serial_of 2) -" \
        "2 destroyed $(serial_of 2) withdrawn"
    accounted 0 1.remake 2.remake
    tells '1 remade'
}

# Killed while the second card is under way. What is left of it may be nothing or all.
killed()
{
    ordered 3
    for number in 1 2 3; do blank $number 2; done
    rm -f run-is-over
    feed 0 1 2 &
    feeder=$!
    "$cardbureau" personalize demo.mic --settings bureau.yaml --reader '* 00 00' >killed.out 2>&1 &
    victim=$!
    until_true card_is_known 2
    kill -9 $victim
    wait $victim || :
    touch run-is-over
    wait $feeder || fail 'cards were not fed'
    state_is 1 made 1
    if [ "$(card_of 2)" != c2 ]; then
        bureau_with 0 redo 2 --records 2
        result_is '1 cards made'
    fi
    bureau_with 0 personalize 3
    result_is '1 cards made'
    for record in 1 2 3; do
        state_is $record made $record
        read_back $record
    done
}

# A card with TDES keys: the bureau gets a third KMC, and says how the channel is protected.
scp02()
{
    own_tokens
    ordered 4
    tdes_kmc
    blank 1 3 --scp 02 --i 55
    blank 2 3 --scp 02 --i 15
    blank 3 3 --scp 02 --i 75
    blank 4 3 --scp 02 --i 55 --t0
    bureau_with 0 personalize 1 --count 1
    echo 'security: mac' >>bureau.yaml
    bureau_with 0 personalize 2 --count 1
    echo 'response_mac: yes' >>bureau.yaml
    bureau_with 0 personalize 3 --count 1
    change bureau.yaml 's/^security: mac/&+encryption/'
    bureau_with 0 personalize 4 --count 1
    for record in 1 2 3 4; do read_back $record; done
}

# A card with keys that the bureau cannot know is asked once, and not again unless told so. The record goes to the next card.
wrong_keys()
{
    ordered 1
    blank 2 2
    "$softcard" --new --state c1 --serial "$(serial_of 1)" --kvn 02 --keys \
        000102030405060708090A0B0C0D0E0F:000102030405060708090A0B0C0D0E0F:000102030405060708090A0B0C0D0E0F
    bureau_with 4 personalize '1 1' --failures 2
    says 'cards in a row were not made'
    [ "$(grep -c '"event":"card-known"' demo-books.sqlite.*.journal)" -eq 1 ] || fail 'the card was tried again'
    bureau_with 0 personalize 2
    state_is 1 made 2
    read_back 1
}

begin personalize softhsm
shows 'four cards in two readers: made, read back, accounted for' made_and_read_back
shows 'cards pulled out in the middle and at the end are finished by a redo' pulled_out
shows 'destroyed, made again, withdrawn: in journal, books, return file and account' destroyed
shows 'cardbureau killed in the middle: nothing twice, nothing lost' killed
shows 'SCP02, with and without encryption and R-MAC' scp02
shows 'a card with other keys' wrong_keys
finish
