#!/bin/sh
# Every shipped profile on cards in a reader: prepared, personalized, and each element read back by opensc-tool. What is due comes from the
# job's input, the independent reader and openssl; payment applications are used as a terminal and the issuer's host use them
# (terminal_lib.sh).
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd read_back "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

# ---- the job's input ----

# payment_input RECORD FIELD-COMMAND [FILE SEPARATOR]: the card's elements, as the input has them.
payment_input()
{
    line=$1
    from=$2
    shift 2
    pan=$($from pan "$line" "$@")
    expiry=$(yymmdd "$($from expiry "$line" "$@")")
    track2="${pan}D$(part "$expiry" 0 2)$($from service_code "$line" "$@")$($from track2_discretionary "$line" "$@")"
    [ $((${#track2} % 2)) -eq 0 ] || track2=${track2}F
    element_is 5A "$pan"
    element_is 5F34 "$($from psn "$line" "$@")"
    element_is 5F24 "$expiry"
    element_is 5F25 "$(yymmdd "$($from effective "$line" "$@")")"
    element_is 5F20 "$(text_of "$($from name "$line" "$@")")"
    element_is 57 "$track2"
}

# ---- what a terminal and a host do ----

# directories_name RECORD: both directories name the payment application, with label and priority of its FCI, and no other.
directories_name()
{
    entry=4F$(lc $payment)$payment
    leaves "$(due "$1" $payment 9102)" >fci.elements
    for tag in 50 87; do
        value=$(sed -n "s/^$tag //p" fci.elements)
        [ -z "$value" ] || entry=$entry$tag$(lc "$value")$value
    done
    entry=61$(lc "$entry")$entry
    pse=315041592E5359532E4444463031
    ppse=325041592E5359532E4444463031
    listed=BF0C$(lc "$entry")$entry
    listed=840E${ppse}A5$(lc "$listed")$listed
    printf '%s9000\n' "6F15840E${pse}A503880101" "70$(lc "$entry")$entry" >wanted
    printf '6A83\n6F%s%s9000\n' "$(lc "$listed")" "$listed" >>wanted
    talk 0 00A404000E${pse}00 00B2010C00 00B2020C00 00A404000E${ppse}00
    cmp -s answers wanted || fail "directories: $(cat answers), not $(cat wanted)"
}

# pays RECORD: ARQC, then TC; an AAC in another transaction: each made by the card's key for cryptograms. Its counters. No PIN, since no profile
# loads one, and so none is asked for.
pays()
{
    if asks_for_offline_pin; then fail "the CVM list asks for a PIN that the card does not have: $(element 8E)"; fi
    secrets "$1" $payment >keys
    read -r kind key <keys
    first=$(told "$(element 8C)")
    second=$(told "$(element 8D)")
    selecting=00A40400$(lc $payment)${payment}00
    talk 0 "$selecting" 80CA9F3600 80CA9F1300 "80AE8000$(lc "$first")${first}00" 80A8000002830000 \
        "80AE8000$(lc "$first")${first}00" 80CA9F1300 "80AE4000$(lc "$second")${second}00" 80CA9F3600 80CA9F1300 80CA9F1700 \
        0020008008241234FFFFFFFFFF "$selecting" 80A8000002830000 "80AE0000$(lc "$first")${first}00" 80CA9F1300
    before=$(sed -n 's/^9F3602\(....\)9000$/\1/p' answers | head -n 1)
    atc=$(printf %04X $((0x$before + 1)))
    sed '1d; 6d; 8d; 13d; 15d' answers >said.counters
    options=$(due "$1" $payment 9104)
    printf '%s\n' "9F3602${before}9000" 9F130200009000 6985 "77$(lc "$options")${options}9000" 9F130200009000 "9F3602${atc}9000" \
        "9F1302${atc}9000" 6A88 6A88 "77$(lc "$options")${options}9000" "9F1302${atc}9000" | cmp -s - said.counters ||
        fail "a transaction: $(cat answers)"
    cryptogram_is "$(sed -n 6p answers)" 80 "$atc" "$kind" "$key"
    cryptogram_is "$(sed -n 8p answers)" 40 "$atc" "$kind" "$key"
    cryptogram_is "$(sed -n 15p answers)" 00 "$(printf %04X $((0x$atc + 1)))" "$kind" "$key"
}

# refuses TEXT COMMAND…: it fails with this, and the suite goes on.
refuses()
{
    text=$1
    shift
    ("$@") >refused.log 2>&1 &
    if wait $!; then fail "passes: $*"; fi
    grep -qF "$text" refused.log || fail "not '$text': $(cat refused.log)"
}

# made RECORD: its card is in the reader, read back.
made()
{
    read_back "$1"
    insert "$(card_of "$1")" 0
}

# checks_are_strict: what passed on this card, right after `pays`, does not pass for one that is a little different.
checks_are_strict()
{
    cryptogram_is "$(sed -n 8p answers)" 40 "$atc" "$kind" "$key"
    refuses 'GENERATE AC' cryptogram_is "$(sed -n 8p answers)" 80 "$atc" "$kind" "$key"
    refuses 'GENERATE AC' cryptogram_is "$(sed -n 8p answers)" 40 "$atc" "$kind" "$(sed -n '2s/.* //p' keys)"
    certified_key "$(issuer)" "$(element 5A)" "$static_data"
    refuses 'over other data' certified_key "$(issuer)" "$(element 5A)" "${static_data}00"
    refuses "is not of 4761731000079329" certified_key "$(issuer)" 4761731000079329 "$static_data"
    refuses 'is not of 476174' certified_key 476174 "$(element 5A)" "$static_data"
    refuses 'over other data' static_is DAC1 "$static_data$aip"
    refuses 'signed static data' static_is DAC2 "$static_data"
    talk 0 "00A40400$(lc $payment)${payment}00" 00880000041122334400
    dynamic_is "$(tail -n 1 answers)" 11223344
    refuses 'over other data' dynamic_is "$(tail -n 1 answers)" 11223345
    cp issuer.pem card.pem
    refuses 'opens no 05' dynamic_is "$(tail -n 1 answers)" 11223344
}

# ---- cases ----

# The purse says from which version of the KMC its card comes: a card of another one is left as it is.
purse_credit_loyalty()
{
    ordered 1
    printf 'applications:\n  - {aid: %s, kmc_version: DF11}\n' $purse >>bureau.yaml
    expect 0 "$cardbureau" check demo.mic --settings bureau.yaml
    blank 1 2
    blank 2 1
    bureau_with 0 personalize '2 1'
    result_is '1 cards made; 0 half-done, 0 spoiled, 1 left as they were'
    says "the card's keys come from KMC/1, and the record is for a card of version 2"
    state_is 1 made 1
    made 1
    read_application $payment
    payment_input 1 column cards.csv ,
    directories_name 1
    pays 1
    checks_are_strict
    records_are 1 $purse
    element_is DF08 6000000001000001
    element_is DF04 "$(cents "$(column balance 1 cards.csv ,)")"
    element_is DF0A "$(yymmdd "$(column activation 1 cards.csv ,)")"
    element_is DF0C "$(yymmdd "$(column expiry 1 cards.csv ,)")"
    element_is DF11 "0$(column kmc_version 1 cards.csv ,)"
    kmc_is "$(column kmc_version 1 cards.csv ,)"
    records_are 1 $loyalty
    element_is DF21 "$(column member_number 1 cards.csv ,)"
    element_is DF22 "$(printf %08X "$(column points 1 cards.csv ,)")"
    element_is DF23 "$(text_of "$(column tier 1 cards.csv ,)")"
    remove 0
}

debit_with_aes_keys()
{
    job job-fixed
    cards 2 fixed
    delivered
    blank 1 2
    blank 2 2
    bureau_with 0 personalize '1 2'
    for record in 1 2; do
        made $record
        read_application $payment
        payment_input $record positions cards.txt
        directories_name $record
        pays $record
        talk 0 "00A40400$(lc $payment)${payment}00" 00880000041122334400
        last_is 6985 # no key pair
        remove 0
    done
}

# The keys came under each card's own key: a record belongs to one card. Cards of both versions of KMC.
purse_under_card_keys()
{
    job job-joins
    cards 4 join
    with_keydata
    delivered
    for record in 3 4; do
        blank 1234500$record "$(positions kmc_version $record batch.txt)"
        [ "$(serial_of 1234500$record)" = "$(positions keydata $record batch.txt)" ] || fail 'the batch list is of other cards'
    done
    bureau_with 0 personalize '12345003 12345004' --records 3-4
    for record in 3 4; do
        made $record
        joined_purse_input $record
        element_is DF11 "0$(positions kmc_version $record batch.txt)"
        kmc_is "$(positions kmc_version $record batch.txt)"
        talk 0 "00A40400$(lc $purse)${purse}00" 00880000041122334400
        last_is 6985 # no key pair
        remove 0
    done
}

# A pair as long as the issuer's, so that certificates do not hold it whole; a data element for GET DATA.
longer_pairs()
{
    rm profiles
    cp -r "$tokens/profiles" profiles
    for profile in purse emv-credit; do
        change profiles/$profile.yaml 's/^key_pair:.*/key_pair: {name: card-key, bits: 1408, exponent: 3}/'
    done
    change profiles/emv-credit.yaml 's/^groupings:/  - {tag: 9F4F, name: log format, from: {hex: 9A039F2103}}\ngroupings:\n  - {dgi: "9110", place: [9F4F]}/'
    ordered 1
    blank 1 2
    bureau_with 0 personalize 1
    made 1
    for aid in $purse $payment; do
        records_are 1 "$aid"
        [ -n "$(element 9F48)" ] || fail 'the modulus is whole in the certificate'
        element_is 9F47 03
    done
    talk 0 "00A40400$(lc $payment)${payment}00" 80CA9F4F00
    last_is 9F4F059A039F21039000
    remove 0
}

# signed_by_another: from here on the signer whom bureau and reader believe is the independent sample's.
signed_by_another()
{
    sample=$E2E_SOURCE/tests/samples/independent-5.keys.json
    spki=$(sed -n 's/.*"signer": "\(30[0-9a-fA-F]*\)".*/\1/p' "$sample" | head -n 1)
    rm demo-signer.pem
    hex_bytes "$spki" | openssl pkey -pubin -inform DER -out demo-signer.pem
    sed "s/\"signer\": \"[0-9a-fA-F]*\"/\"signer\": \"$spki\"/" demo.keys.json >other.keys.json
    mv other.keys.json demo.keys.json
}

# No profile loads a PIN. Another program of the issuer's may have put one into the sealed file, and signed that.
pin_of_another_program()
{
    job job-fixed
    cards 1 fixed
    expect 0 "$cardprep" run job.yaml --output without.mic
    expect 0 "$E2E_BUILD/tests/reader/pin_writer" demo.keys.json without.mic demo.mic $payment 241234FFFFFFFFFF
    signed_by_another
    at_the_bureau
    blank 1 2
    bureau_with 0 personalize 1
    made 1
    right=0020008008241234FFFFFFFFFF
    wrong=0020008008241235FFFFFFFFFF
    left=80CA9F1700
    selecting=00A40400$(lc $payment)${payment}00
    talk 0 "$selecting" $left $wrong $left $right $left $wrong $wrong $wrong $right
    tail -n +2 answers >said.pin
    printf '%s\n' 9F1701039000 63C2 9F1701029000 9000 9F1701039000 63C2 63C1 63C0 6983 | cmp -s - said.pin || fail "$(cat answers)"
    remove 0
    insert "$(card_of 1)" 0
    talk 0 "$selecting" $left $right
    last_is 6983
    remove 0
}

begin read_back softhsm
shows 'purse, EMV credit and loyalty: input, directories, data authentication, cryptograms' purse_credit_loyalty
shows 'EMV debit with AES keys: input, directories, cryptograms' debit_with_aes_keys
shows "a purse with keys under the card's own AES key" purse_under_card_keys
shows 'key pairs as long as the issuer'"'"'s, and a log format' longer_pairs
shows 'a PIN that another program put there' pin_of_another_program
finish
