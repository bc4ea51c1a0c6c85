#!/bin/sh
# The issuer's KEK wraps, the bureau's unwraps: on two tokens, or on one with a key of either role. What the issuer wrote, the
# bureau's token opens, and neither key can do the other's work.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

kek_kcv=C67F916CD4

# secrets FILE: the symmetric secrets of the first record, as unwrap_check wants them.
secrets()
{
    "$reader" --dump demo.keys.json "$1" >all.dump
    sed -n 's/^\(record 1.*E1 [^/]*\).C4 = 0[13]$/\1/p' all.dump | while read -r secret; do
        field() { grep -F "$secret/$1 = " all.dump | sed 's/.* = //'; }
        case $(field C4) in 01) algorithm=des2 ;; *) algorithm=aes128 ;; esac
        echo "$algorithm $(field C7) $(field C5)"
    done
}

# opened TOKEN LABEL: the bureau's token opens the record.
opened()
{
    expect 0 "$E2E_BUILD/tests/e2e/unwrap_check" "$module" "$1" pins/bureau.pin "$2" $kek_kcv <wrapped
    tells "$(wc -l <wrapped) keys unwrapped, every check value right"
}

run_and_open()
{
    job job
    cards 1
    expect 0 "$cardprep" run job.yaml
    accepted demo.mic
    secrets demo.mic >wrapped
    [ "$(wc -l <wrapped)" -eq 5 ] || fail "$(wc -l <wrapped) secrets in the first record"
    opened "$@"
}

two_tokens()
{
    run_and_open demo-bureau KEK-1
    # The issuer's KEK is none for a bureau, and the other way round.
    expect 1 "$E2E_BUILD/tests/e2e/unwrap_check" "$module" demo-issuer pins/issuer.pin KEK-1 $kek_kcv <wrapped
    says 'forbids that'
    change job.yaml 's/label: demo-issuer, pin/label: demo-bureau, pin/; s/demo.mic/other.mic/'
    refused 3 KEK other.mic
    sed 's/..$/00/' wrapped >wrong
    mv wrong wrapped
    expect 1 "$E2E_BUILD/tests/e2e/unwrap_check" "$module" demo-bureau pins/bureau.pin KEK-1 $kek_kcv <wrapped
    says 'another check value'
}

# One token: the bureau's KEK has a label of its own, and is made from the same components by the same plan.
one_token()
{
    own_tokens
    rm -r own/tokens demo.keys.json demo-signer.pem ca-key.yaml issuer-certificate.yaml
    mkdir -m 700 own/tokens
    plan_on_one_token
    awk '/^  - name: KEK/ { kek = 1 } /^  - {name: scheme-ca/ { kek = 0; printf "%s", copy }
        kek { copy = copy $0 "\n" } { print }' plan.yaml |
        awk '/^  - name: KEK/ && seen++ == 0 { first = 1; print "  - name: KEK-BUREAU"; print "    label: KEK-1-bureau"; next }
            first && /role: kek-issuer/ { sub("kek-issuer", "kek-bureau"); first = 0 } { print }' >both.yaml
    expect 0 "$cardkeys" run --yes both.yaml
    expect 0 "$cardkeys" check both.yaml
    run_and_open demo-issuer KEK-1-bureau
    change job.yaml 's/kek: {version: 1, label: KEK-1,/kek: {version: 1, label: KEK-1-bureau,/; s/demo.mic/other.mic/'
    refused 3 KEK other.mic
}

# cardkeys again: what is there is checked and left as it is.
ceremony_again()
{
    own_tokens
    cp "$tokens"/plan.yaml "$tokens"/*.pem "$tokens"/*.json "$tokens"/*.jsonl . 2>/dev/null || :
    rm -f ca-key.yaml issuer-certificate.yaml
    cp "$tokens"/ca-key.yaml "$tokens"/issuer-certificate* .
    before=$(objects demo-issuer)
    expect 0 "$cardkeys" check plan.yaml
    expect 0 "$cardkeys" run --yes plan.yaml
    cat out err >said
    grep -q ' 0 made' said || fail "something was made: $(tail -n 3 said)"
    expect 0 "$cardkeys" list plan.yaml
    tells $kek_kcv
    [ "$(objects demo-issuer)" -eq "$before" ] || fail "objects before: $before, after: $(objects demo-issuer)"
}

begin place softhsm
shows 'issuer and bureau on two tokens' two_tokens
shows 'issuer and bureau on one token' one_token
shows 'a ceremony that runs again makes nothing' ceremony_again
finish
