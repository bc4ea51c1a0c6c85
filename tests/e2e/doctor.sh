#!/bin/sh
# cardkeys doctor and list: what a token can do, found by trying it, and nothing left behind.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# doctor OPTION…: on the issuer's token.
doctor()
{
    "$cardkeys" doctor --module "$module" --token demo-issuer --pin file:pins/issuer.pin "$@"
}

for_people()
{
    own_tokens
    before=$(objects demo-issuer)
    expect 0 doctor
    for line in '^token     demo-issuer, serial ' '^RFC 5649  by mechanism 0x210A$' '^works     kwp-des2  *P-B ' '^works     rsa-1024-e3  *p-- ' \
        '^refused   wrap-tdes-ecb-des2 ' 'cause: C_WrapKey: CKR_MECHANISM_INVALID' '^UNSAFE    derive-clear-tdes  * ! ' 'leaves with zeros behind it' \
        '^cardprep    can run; named exceptions: 0; ' '^cardkeys    can run; named exceptions: 2; ' '^cardbureau  can run; named exceptions: 2; ' \
        'can derive card keys in clear'; do
        grep -q -- "$line" out || fail "doctor does not say '$line': $(cat out)"
    done
    if grep -E '^.{81,}' out; then fail 'lines of more than 80 columns'; fi
    page_agrees 1
    [ "$(objects demo-issuer)" -eq "$before" ] || fail "$before objects before, $(objects demo-issuer) after"
}

for_machines()
{
    expect 0 doctor --json
    tells '"label": "demo-issuer"'
    tells '"kwp_mechanism": 8458'
    tr -d '\n ' <out >line
    grep -q '{"name":"rsa-1024-e3","group":"rsa","outcome":"works","cause":"","required_by":\[\],"used_by":\["cardprep"\],"severity":"optional"' line ||
        fail "$(cat out)"
    grep -q '{"name":"wrap-tdes-ecb-des2","group":"wrap","outcome":"refused","cause":"C_WrapKey:CKR_MECHANISM_INVALID"' line || fail "$(cat out)"
    grep -q '"cardbureau":{"can_run":true,"missing":\[\]' line || fail "$(cat out)"
    grep -q '"exceptions":\["rsa-parts","tdes-under-dek"\]' line || fail "$(cat out)"
}

# Only what a program needs, and the status that follows from it.
for_one_program()
{
    expect 0 doctor --for ceremony --json
    tells '"kwp-aes256"'
    if grep -q 'scp02-mac\|cardbureau": {' out; then fail "more than was asked for: $(cat out)"; fi
    expect 2 doctor --for prep,cards
    says 'prep, ceremony, bureau'
    expect 0 doctor --for prep,bureau
    if grep -q '^cardkeys ' out; then fail "$(cat out)"; fi
}

# A token that refuses to sign and to make MACs: the operations are named, and no program can run.
a_refusing_token()
{
    module=$proxy
    P11PROXY_MODULE=$(softhsm_module)
    P11PROXY_FAIL='C_SignInit:+1:0x70'
    export P11PROXY_MODULE P11PROXY_FAIL
    expect 3 doctor
    unset P11PROXY_FAIL
    grep -q '^REFUSED   rsa-sha256 ' out || fail "$(cat out)"
    grep -q 'cause: C_SignInit: CKR_MECHANISM_INVALID' out || fail "$(cat out)"
    grep -q '^cardprep    CANNOT run' out || fail "$(cat out)"
    grep -q 'missing: .*rsa-sha256' out || fail "$(cat out)"
    module=$(softhsm_module)
}

tokens_are_listed()
{
    expect 0 "$cardkeys" list --module "$module"
    tells demo-issuer
    tells demo-bureau
    tells demo-supplier
}

what_is_missing_is_asked_for()
{
    expect 2 "$cardkeys" doctor
    says '--module'
    expect 2 "$cardkeys" doctor --module "$module" --pin file:pins/issuer.pin
    says 'shows 3 tokens'
    says '--token'
    expect 3 "$cardkeys" doctor --module "$module" --token elsewhere --pin file:pins/issuer.pin
    says "'elsewhere'"
    (umask 077 && echo 99999999 >wrong.pin)
    expect 3 "$cardkeys" doctor --module "$module" --token demo-issuer --pin file:wrong.pin
    says CKR_PIN_INCORRECT
}

begin doctor softhsm
shows 'doctor tells people, and leaves nothing on the token' for_people
shows 'doctor tells machines' for_machines
shows 'doctor for one program' for_one_program
shows 'a token that refuses an operation' a_refusing_token
shows 'list names the tokens of a module' tokens_are_listed
shows 'doctor says what it lacks' what_is_missing_is_asked_for
finish
