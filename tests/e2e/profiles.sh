#!/bin/sh
# Every shipped profile and every input format, from the input to a file that the independent reader accepts, with verify and
# inspect of the same mind.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# inspected FILE CARDS: inspect reads the whole file, in both forms, and finds no damage.
inspected()
{
    expect 0 "$cardprep" inspect "$1"
    [ "$(grep -c '^record [0-9]' out)" -eq "$2" ] || fail "inspect shows $(grep -c '^record [0-9]' out) records"
    expect 0 "$cardprep" inspect "$1" --json
    tells '"damage": [], "complete": true'
}

# no_card_number FILE…: no whole card number stands in what people read.
no_card_number()
{
    cut -d, -f2 cards.csv | sed 1d >numbers
    if grep -qF -f numbers "$@"; then fail "a card number stands in $*"; fi
}

purse_credit_loyalty_from_csv()
{
    job job
    cards 3
    expect 0 "$cardprep" check job.yaml
    tells 'every key found, roles and check values right'
    expect 0 "$cardprep" run job.yaml
    cat out err >people
    accepted demo.mic 'accepted: 3 records, 9 entries (0 open), 21 secrets checked (0 more not decrypted), 15 certificates'
    grep -q '6 issuer certificates, 3 signed static data, 6 card certificates' verify.out || fail "verify: $(cat verify.out)"
    inspected demo.mic 3
    expect 0 "$cardprep" inspect demo.mic
    expect 0 "$cardprep" explain job.yaml --record 2
    tells 'KDL'
    cat out verify.out >>people
    no_card_number people
}

# e = 3, and other sizes than the shipped 1024 bits, up to that of the issuer's key.
key_pairs_of_other_exponents_and_sizes()
{
    rm profiles
    cp -r "$tokens/profiles" profiles
    job job
    cards 2
    for pair in 'bits: 1024, exponent: 3' 'bits: 1152, exponent: 65537' 'bits: 1408, exponent: 3'; do
        for profile in purse emv-credit; do
            sed -i "s/^key_pair:.*/key_pair: {name: card-key, $pair}/" profiles/$profile.yaml
        done
        expect 0 "$cardprep" check job.yaml
        expect 0 "$cardprep" run job.yaml --output pairs.mic
        accepted pairs.mic 'accepted: 2 records, 6 entries (0 open), 14 secrets checked (0 more not decrypted), 10 certificates'
        "$reader" --dump demo.keys.json pairs.mic >dump
        case $pair in *' 3') exponent=03 ;; *) exponent=010001 ;; esac
        grep -q "/9F47 = $exponent\$" dump || fail "$pair: $(grep /9F47 dump)"
        rm pairs.mic
    done
}

# No certificate outlives the one above it: found before any card is made.
card_that_outlives_its_issuer()
{
    job job
    cards 2
    change cards.csv '3s/,20[0-9][0-9]-/,2039-/'
    for command in check run; do
        expect 4 "$cardprep" $command job.yaml
        one_message
        says 'cards.csv:3: record 2: application purse'
        says "after the issuer's certificate"
        nothing_there demo.mic
    done
}

# An element that the token makes up, on every card another.
element_from_the_token()
{
    rm profiles
    cp -r "$tokens/profiles" profiles
    change profiles/loyalty.yaml 's/^groupings:/  - {tag: DF24, name: nonce, from: {token: random}, length: 8}\ngroupings:/; s/DF23\]/DF23, DF24]/'
    job job '/profile: emv-credit/d; /profile: purse/d; s/^counter.*//; s/^issuer_keys.*//; s/^  - {name: demo-issuer-key.*//
        /^keys:/d; /^  - {name: K/d; /^  - {name: M/d'
    cards 4
    expect 0 "$cardprep" check job.yaml
    expect 0 "$cardprep" run job.yaml
    accepted demo.mic
    "$reader" --dump demo.keys.json demo.mic | sed -n 's/^record.*DF24 = //p' >nonces
    [ "$(grep -c '^[0-9A-F]\{16\}$' nonces)" -eq 4 ] || fail "nonces: $(cat nonces)"
    [ "$(sort -u nonces | wc -l)" -eq 4 ] || fail "they repeat: $(cat nonces)"
    expect 0 "$cardprep" explain job.yaml --record 1
    tells 'DF24'
}

debit_from_fixed_columns()
{
    job job-fixed
    cards 3 fixed
    expect 0 "$cardprep" check job.yaml
    expect 0 "$cardprep" run job.yaml
    accepted demo-fixed.mic 'accepted: 3 records, 3 entries (0 open), 9 secrets checked (0 more'
    inspected demo-fixed.mic 3
}

debit_from_mic()
{
    job job-mic
    cards 3 mic
    expect 0 "$cardprep" check job.yaml
    expect 0 "$cardprep" run job.yaml
    accepted demo-mic.mic 'accepted: 3 records, 3 entries (0 open), 9 secrets checked (0 more'
    inspected demo-mic.mic 3
}

# The same cards from three formats mean the same, but for the groups of other modules, which the formats do not share.
formats_agree()
{
    for format in fixed mic; do
        cards 3 $format
        job job-$format "s/^on_bad_record.*//; s/, set_aside: [^}]*//; s/^object_id.*//
            s/^job: .*/job: formats/; s/^groups:.*//; s/^  - {mic: EMBOSS.*//; s/^output: .*/output: {file: $format.mic}/"
        expect 0 "$cardprep" run job.yaml --job-id 00112233445566778899AABBCCDDEEFF
        accepted $format.mic
    done
    for format in fixed mic; do
        "$reader" --dump --unwrap --mask demo.keys.json $format.mic | grep -v '^JOB/D4 \|/EMBOSS/\|/GRAPH/' >$format.dump
    done
    diff fixed.dump mic.dump || fail "one card, two formats, two results"
}

card_keys_from_three_systems()
{
    job job-joins
    cards 3 join
    expect 0 "$cardprep" check job.yaml
    expect 0 "$cardprep" run job.yaml
    accepted demo-joins.mic 'accepted: 3 records, 3 entries (0 open), 0 secrets checked (6 more not decrypted)'
    with_keydata
    accepted demo-joins.mic 'accepted: 3 records, 3 entries (0 open), 6 secrets checked (0 more not decrypted)'
    inspected demo-joins.mic 3
}

# SoftHSM does not wrap with TDES: method 11 is refused before the run, by name.
card_keys_by_des_are_refused_at_check()
{
    job job-joins 's/profile: purse-card-key}/profile: purse-card-key-des}/
        s/^  - {name: KML-AES.*/  - {name: KML, version: 1, algorithm: des2, label: KML-1, kcv: "BF67BF"}/
        s/^  - {name: KMU-AES.*/  - {name: KMU, version: 1, algorithm: des2, label: KMU-1, kcv: "FBCDD1"}/
        s/^  - {name: KMC, version: 1.*/  - {name: KMC-DES, version: 1, algorithm: des2, label: KML-1, kcv: "BF67BF"}/
        /^  - {name: KMC, version: 2/d'
    cards 3 join
    change batch.txt 's/..$/01/'
    expect 3 "$cardprep" check job.yaml
    one_message
    says 'key KDL'
    says 'method 11'
}

begin profiles softhsm
shows 'purse, EMV credit and loyalty from CSV' purse_credit_loyalty_from_csv
shows 'card key pairs of other exponents and sizes' key_pairs_of_other_exponents_and_sizes
shows 'a card that would outlive its issuer certificate is refused before the run' card_that_outlives_its_issuer
shows 'an element that the token makes up' element_from_the_token
shows 'EMV debit with AES keys from fixed columns' debit_from_fixed_columns
shows 'EMV debit with AES keys from a MIC file' debit_from_mic
shows 'fixed columns and MIC give the same cards' formats_agree
shows "keys under the card's own AES key, joined from three systems" card_keys_from_three_systems
shows "keys under the card's own TDES key are refused at check" card_keys_by_des_are_refused_at_check
finish
