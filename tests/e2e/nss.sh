#!/bin/sh
# The second token: NSS softokn, with the same TEST masters and KEK as the SoftHSM tokens. Records of both mean the same: equal
# after RFC 5649 unwrapping, but for what two runs of one job may differ in. What is left out, and why: TOKENS.md.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

id=00112233445566778899AABBCCDDEEFF
softhsm=$E2E_WORK/softhsm

# on_both EXAMPLE FORMAT OUTPUT: the job on either token, compared.
on_both()
{
    cards 3 "$2"
    if [ -e batch.txt ]; then with_keydata; fi
    job "$1"
    change job.yaml "s|module: $module|module: $module, parameters: \"$parameters\"|"
    expect 0 "$cardprep" check job.yaml
    expect 0 "$cardprep" run job.yaml --job-id $id --output nss.mic
    accepted nss.mic
    mkdir -p other
    for file in cards* batch.txt loads.csv; do
        if [ -e "$file" ]; then cp "$file" other/; fi
    done
    (
        cd other
        furnish "$softhsm"
        if [ -e batch.txt ]; then with_keydata; fi
        use_tokens "$softhsm"
        job "$1"
        change job.yaml "s|$module|$(softhsm_module)|"
        expect 0 "$cardprep" run job.yaml --job-id $id --output softhsm.mic
        accepted softhsm.mic
        "$reader" --dump --unwrap --mask demo.keys.json softhsm.mic >../softhsm.dump
    )
    "$reader" --dump --unwrap --mask demo.keys.json nss.mic >nss.dump
    for token in nss softhsm; do
        # Pairs are made on their token: settings and END name them, and the issuer's signs the static data.
        grep -v '^JOB/D4 \|^END/DE \|/92 = \|/90 = \|/93 = ' $token.dump >$token.cards
    done
    diff softhsm.cards nss.cards || fail 'the two tokens give different cards'
}

cards_mean_the_same()
{
    on_both job csv
}

aes_cards_mean_the_same()
{
    on_both job-fixed fixed
}

card_keys_mean_the_same()
{
    on_both job-joins join
}

# Method 11, which SoftHSM cannot: the purse's TDES keys under the card's own TDES key. The reader opens and re-derives them.
card_keys_by_des()
{
    job_under_des_card_keys 4
    expect 0 "$cardprep" check job.yaml
    for workers in 1 2; do
        expect 0 "$cardprep" run job.yaml --workers $workers --job-id $id --output des$workers.mic
        accepted des$workers.mic 'accepted: 4 records, 4 entries (0 open), 8 secrets checked (0 more not decrypted)'
    done
    same_cards des1.mic des2.mic
    "$reader" --dump demo.keys.json des1.mic >dump
    [ "$(grep -c '/C6 = 11$' dump)" -eq 8 ] || fail "no method 11: $(grep /C6 dump)"
    grep -q '/CC = .*' dump || fail "no name of the card's own key"
}

# What doctor finds is what the suites above rely on.
doctor_knows_the_token()
{
    expect 0 "$cardkeys" doctor --module "$module" --parameters "$parameters" --token demo-issuer --pin file:pins/issuer.pin
    for line in '^refused   rsa-1024-e3 ' '^works     wrap-tdes-ecb-des2 ' '^UNSAFE    extractable ' 'C_GenerateKeyPair: CKR_ARGUMENTS_BAD' \
        '^RFC 5649  by mechanism 0x210B$' '^cardprep    can run' '^cardbureau  can run; named exceptions: 1;'; do
        grep -q -- "$line" out || fail "doctor does not say '$line': $(cat out)"
    done
    page_agrees 2
}

# NSS makes no pairs with e = 3; check says so before the run.
exponent_three_is_refused()
{
    rm profiles
    cp -r "$tokens/profiles" profiles
    change profiles/emv-credit.yaml 's/exponent: 65537/exponent: 3/'
    job job
    change job.yaml "s|module: $module|module: $module, parameters: \"$parameters\"|"
    cards 1
    expect 3 "$cardprep" check job.yaml
    one_message
    grep -qi 'e = 3\|exponent 3\|e3' err out || fail "$(cat err out)"
}

begin nss_cards nss
nss_parameters "$tokens"
shows 'purse, credit and loyalty cards mean the same' cards_mean_the_same
shows 'debit cards with AES keys mean the same' aes_cards_mean_the_same
shows "keys under the cards' own keys mean the same" card_keys_mean_the_same
shows "keys under the cards' own TDES keys" card_keys_by_des
shows 'doctor says what the token can and cannot' doctor_knows_the_token
shows 'e = 3 is refused at check' exponent_three_is_refused
finish
