#!/bin/sh
# The same attacks on NSS, which enforces nearly nothing: what gets through is attacks/nss.expected. Keys of the demo's token, and
# the roles that it lacks. NSS has one token for both parties, and neither private public keys nor private data objects.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

attacker=$E2E_BUILD/tests/e2e/attacker

# The database for one set of attacks; its place is part of the parameters.
fresh()
{
    rm -rf database
    cp -r made database
}

make_token()
{
    cp -r "$tokens/database" database
    use_tokens "$PWD"
    nss_parameters "$PWD"
    sed "s|MODULE|$module|; s|PARAMETERS|$parameters|" "$E2E_SOURCE/tests/e2e/attacks/plan-nss.yaml" >plan.yaml
    "$cardkeys" run --yes plan.yaml
    cp -r database made
}

api()
{
    make_token
    for set in values uses oracles wrapping twisting deriving attributes sight; do
        fresh
        "$attacker" "$module" "$parameters" demo-issuer pins/issuer.pin $set >rows.new || fail "attacker $set"
        sed 's/^/nss	/' rows.new >>"$rows"
    done
    for set in values uses attributes sight; do
        fresh
        "$attacker" "$module" "$parameters" demo-issuer - $set >rows.new || fail "stranger $set"
        sed 's/^/nss without login	/' rows.new >>"$rows"
    done
}

begin attacks_nss nss
rows=$folder/rows
: >"$rows"
shows 'Cryptoki calls that read, change, use, wrap, derive and destroy' api
judged=0
awk -f "$E2E_SOURCE/tests/e2e/attacks/judge.awk" "$E2E_SOURCE/tests/e2e/attacks/nss.expected" "$rows" >"$folder/table" || judged=1
cat "$folder/table"
if [ $judged -ne 0 ]; then failures=$((failures + 1)); fi
finish
