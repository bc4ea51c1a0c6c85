#!/bin/sh
# The cards' own keys, on real readers: PUT KEY, and secrets that left the issuer under them (second embodiment, methods 11 and 12). What
# was said is read from the log of the service that drives the readers; what is due comes from the independent reader and from openssl.
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd card_keys "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

# opens_with NUMBER VERSION: the card answers INITIALIZE UPDATE with this key version, and its cryptogram is made with keys of that KMC.
# SCP03 with keys of 16 or 32 bytes.
opens_with()
{
    host=0102030405060708
    mac=$(card_key 2 "$(serial_of "$1")" "$2")
    insert "c$1" 0
    talk 0 00A4040000 8050000008${host}00
    remove 0
    answer=$(sed -n 2p answers)
    [ "$(echo "$answer" | cut -c 1-24)" = "$(serial_of "$1")0${2}03" ] || fail "the card tells other keys than version $2: $answer"
    bits=$(printf %04X $((${#mac} * 4)))
    context=$host$(echo "$answer" | cut -c 27-42)
    session=
    for count in 01 02; do session=$session$(cmac "$mac" "00000000000000000000000600${bits}${count}${context}"); done
    session=$(echo "$session" | cut -c "1-${#mac}")
    due=$(cmac "$session" "00000000000000000000000000004001${context}" | cut -c 1-16)
    [ "$(echo "$answer" | cut -c 43-58)" = "$due" ] || fail "its cryptogram is not $due: $answer"
}

# PUT KEY: the newest KMC's keys, once, and the card is opened with these alone. Here with keys of another size.
new_keys()
{
    own_tokens
    ordered 3
    kmc KMC 3 aes256 kmc-aes 3 303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F
    more_kmcs
    printf '%s\n' 'replace_keys: yes' 'response_mac: yes' >>bureau.yaml
    blank 1 1 --scp 03 --i 70
    blank 2 2 --scp 03 --i 00
    blank 3 3 --scp 03 --i 60
    opens_with 1 1
    wire_begins
    bureau_with 0 personalize '1 2 3'
    result_is '3 cards made'
    said 84D80181
    said 84D80281
    [ "$(wire | grep -c '^84D8')" -eq 2 ] || fail 'keys that are the newest were replaced'
    for record in 1 2 3; do
        read_back $record
        opens_with $record 3
        # No other set is on it.
        insert c$record 0
        talk 0 00A4040000 80500100080102030405060708 80500200080102030405060708 80CA00E000
        remove 0
        sed -n 2,3p answers | grep -v '^6A88$' && fail "an old key set is there: $(cat answers)"
        last_is 'E012C00401038820C00402038820C004030388209000'
    done
    # Whoever has the supplier's keys alone: the card is another's.
    rm -f demo-books.sqlite*
    change bureau.yaml '/version: 3,/d'
    bureau 0 check
    bureau_with 2 personalize 1 --count 1 --failures 1
    says "the card's keys have version 3, for which the settings have no KMC"
}

# The same where the answer to PUT KEY was lost, and where the card was pulled out before it.
new_keys_pulled()
{
    ordered 2
    echo 'replace_keys: yes' >>bureau.yaml
    blank 1 1
    blank 2 1
    bureau_with 4 personalize '1:pull-after@4 2:pull@4'
    result_is '0 cards made; 2 half-done'
    opens_with 1 2
    opens_with 2 1
    bureau_with 0 redo '2 1'
    result_is '2 cards made'
    for record in 1 2; do
        state_is $record made $record
        read_back $record
        opens_with $record 2
    done
}

# TDES and AES cards side by side: each gets the newest keys that its channel can carry.
new_keys_of_both()
{
    own_tokens
    ordered 3
    kmc KMC-DES 1 des2 kmc-visa2 3 $kmc_des
    kmc KMC-DES 2 des2 kmc-cps 4 8C9D07A2E3F4156B7F80A1B2C4D3E5F6
    more_kmcs
    echo 'replace_keys: yes' >>bureau.yaml
    blank 1 1
    blank 2 3 --scp 02 --i 55
    blank 3 4 --scp 02 --i 15
    wire_begins
    bureau_with 0 personalize '1 2 3'
    said 84D80181
    said 84D80381
    for record in 1 2 3; do read_back $record; done
    opens_with 1 2
    # A set of version 4 and no other; the record was loaded through channels that were opened with it.
    insert c2 0
    talk 0 00A4040000 8050030008010203040506070800 80CA00E000
    remove 0
    sed -n 2p answers | grep -q '^6A88$'
    last_is 'E012C00401048010C00402048010C004030480109000'
}

# supplied N: a job whose keys leave the issuer under the cards' own keys (method 12), accepted by the bureau. Its cards are those of the
# supplier's list, number N is card 12345000 + N.
supplied()
{
    cards "$1" join
    with_keydata
    job job-joins 's/^output: .*/output: {file: demo.mic}/'
    expect 0 "$cardprep" run job.yaml
    accepted demo.mic
    "$reader" --dump --unwrap demo.keys.json demo.mic >dump
    settings
    bureau 0 check
}

# own_key_is_used RECORD: the secrets went to a card with P1 for application-dependent encryption, byte for byte as the issuer made them.
own_key_is_used()
{
    joined=
    for name in KDL KDU; do
        joined=$joined$(sed -nE "s|^record $1/CHIP/entry $purse/E1 $name/C7 = ||p" raw)
    done
    [ ${#joined} -ge 64 ] || fail "no such secrets: $joined"
    said "84E22001..8000..$joined"
}

# Keys under the card's own AES key go to it untouched, and it has the keys that the issuer derived.
own_keys()
{
    supplied 4
    "$reader" --dump demo.keys.json demo.mic >raw
    for number in 1 2 3 4; do blank $((12345000 + number)) $((number == 4 ? 1 : 2)) --scp 03 --i $((number == 2 ? 60 : 70)); done
    echo 'security: mac' >>bureau.yaml
    wire_begins
    bureau_with 0 personalize '12345001 12345002 12345003 12345004'
    result_is '4 cards made'
    for record in 1 2 3 4; do
        own_key_is_used $record
        insert "$(card_of $record)" 0
        records_are $record $purse
        keys_are $record $purse
        remove 0
    done
}

# A card of another KMC than the issuer encrypted under is left as it is.
own_keys_of_another_kmc()
{
    supplied 4
    blank 12345003 1
    for number in 12345001 12345004; do blank $number 2; done
    bureau_with 2 personalize 12345003 --count 1 --failures 1
    says 'secret KDL is under KMC/2/DEK, and the card'
    result_is '0 cards made; 0 half-done, 0 spoiled, 1 left as they were'
    bureau_with 0 personalize 12345001 --records 1
    bureau_with 2 personalize 12345004 --records 4 --failures 1
    says 'secret KDL is under KMC/1/DEK, and the card'
    result_is '1 left as they were'
}

# Their supplier's keys are replaced behind the loading: before it, the card could not open what was made for it.
own_keys_then_new_ones()
{
    supplied 4
    for number in 1 2 3; do blank $((12345000 + number)) 2; done
    blank 12345004 1
    echo 'replace_keys: yes' >>bureau.yaml
    wire_begins
    bureau_with 0 personalize 12345004 --records 4
    said 84D80181
    insert c12345004 0
    records_are 4 $purse
    keys_are 4 $purse
    remove 0
    opens_with 12345004 2
}

# The same with TDES (method 11), from a token that can wrap so. The bureau's token cannot, and need not.
own_des_keys()
{
    [ -e "$E2E_WORK/nss/ready" ] || fail 'e2e/setup_nss made no tokens'
    own_tokens
    (
        nss_parameters "$E2E_WORK/nss"
        tokens=$E2E_WORK/nss
        module=$(nss_module)
        mkdir issuer
        cd issuer
        furnish "$tokens"
        job job-joins 's/profile: purse-card-key}/profile: purse-card-key-des}/
            s/^  - {name: KML-AES.*/  - {name: KML, version: 1, algorithm: des2, label: KML-1, kcv: "BF67BF"}/
            s/^  - {name: KMU-AES.*/  - {name: KMU, version: 1, algorithm: des2, label: KMU-1, kcv: "FBCDD1"}/
            s/^  - {name: KMC, version: 1.*/  - {name: KMC-DES, version: 1, algorithm: des2, label: KMC-DES-1, kcv: "8BAF47"}/
            /^  - {name: KMC, version: 2/d; s/^output: .*/output: {file: demo.mic}/'
        change job.yaml "s|module: $module|module: $module, parameters: \"$parameters\"|"
        cards 3 join
        change batch.txt 's/..$/1 /'
        with_keydata
        expect 0 "$cardprep" run job.yaml
        accepted demo.mic
        "$reader" --dump demo.keys.json demo.mic >../raw
        "$reader" --dump --unwrap demo.keys.json demo.mic >../dump
    )
    cp issuer/demo.mic .
    settings
    change bureau.yaml 's|^signers: .*|signers: [issuer/demo-signer.pem]|; s|^ca_keys: .*|ca_keys: [issuer/ca-key.yaml]|'
    kmc KMC-DES 2 des2 kmc-cps 4 8C9D07A2E3F4156B7F80A1B2C4D3E5F6
    tdes_kmc
    bureau 0 check
    printf '%s\n' 'security: mac' 'replace_keys: yes' >>bureau.yaml
    for number in 12345001 12345002 12345003; do blank $number 3 --scp 02 --i 15; done
    wire_begins
    bureau_with 0 personalize '12345001 12345002 12345003'
    for record in 1 2 3; do
        own_key_is_used $record
        insert "$(card_of $record)" 0
        records_are $record $purse
        keys_are $record $purse
        remove 0
    done
    [ "$(wire | grep -c '^84D80381')" -eq 3 ] || fail 'the keys of three cards were not replaced'
}

begin card_keys softhsm
shows 'PUT KEY: the newest keys, and no others open the card' new_keys
shows 'PUT KEY before the card was pulled out, and after' new_keys_pulled
shows 'PUT KEY for SCP02 and SCP03 side by side' new_keys_of_both
shows "keys under the card's own key go to it untouched" own_keys
shows "keys under the card's own key, and a card of another KMC" own_keys_of_another_kmc
shows "keys under the card's own key, and then PUT KEY" own_keys_then_new_ones
shows "keys under the card's own TDES key, and then PUT KEY" own_des_keys
finish
