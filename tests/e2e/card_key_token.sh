#!/bin/sh
# Masters on one token, card key pairs on another: the job's two token roles.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# A third token beside issuer and bureau, which holds the KEK as the issuer does.
with_card_key_token()
{
    own_tokens
    sed "s|$demo_module|$module|
/^keys:/i\\
  - {name: cards, module: $module, label: demo-cards, pin: \"file:pins/issuer.pin\", so_pin: \"file:pins/issuer.so-pin\", initialise: yes}
s|tokens: \[issuer, {bureau: kek-bureau}\]|tokens: [issuer, {bureau: kek-bureau}, {cards: kek-issuer}]|" "$demo/plan.yaml" >plan.yaml
    # the plan writes certificates and keys files beside itself: not through the links to the shared ones
    rm -f ca-key.yaml issuer-certificate.yaml demo-signer.pem demo.keys.json
    for file in ca-key.yaml issuer-certificate.yaml demo-signer.pem plan.audit.jsonl; do
        cp --remove-destination "$tokens/$file" . # the log of a token goes on where its plan does
    done
    expect 0 "$cardkeys" run --yes plan.yaml
    job job "/^kek:/i\\
  card_keys: {module: $module, label: $1, pin: \"file:pins/issuer.pin\"}
"
    cards 4
}

pairs_from_another_token()
{
    with_card_key_token demo-cards
    expect 0 "$cardprep" check job.yaml
    expect 0 "$cardprep" run job.yaml --workers 2
    accepted demo.mic 'accepted: 4 records'
}

both_roles_on_one_token()
{
    with_card_key_token demo-issuer
    expect 0 "$cardprep" run job.yaml --workers 2
    accepted demo.mic 'accepted: 4 records'
}

kek_missing_on_the_card_key_token()
{
    own_tokens
    expect 0 softhsm2-util --init-token --free --label demo-empty --pin 12345678 --so-pin 87654321
    job job "/^kek:/i\\
  card_keys: {module: $module, label: demo-empty, pin: \"file:pins/issuer.pin\"}
"
    cards 2
    refused 3 'KEK' demo.mic
}

begin card_key_token softhsm
shows 'key pairs come from another token than the masters' pairs_from_another_token
shows 'one token may serve both roles' both_roles_on_one_token
shows 'the KEK must be on the card-key token too' kek_missing_on_the_card_key_token
finish
