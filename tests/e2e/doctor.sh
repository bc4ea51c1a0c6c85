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
    for line in '^token     demo-issuer, serial ' '^yes  kwp ' '^yes  rsa-e3 ' '^no   wrap-tdes-ecb ' 'C_WrapKey: CKR_MECHANISM_INVALID' \
        '^RFC 5649 by mechanism 0x210A, keys padded with zeros' 'can derive card keys in clear'; do
        grep -q -- "$line" out || fail "doctor does not say '$line': $(cat out)"
    done
    [ "$(objects demo-issuer)" -eq "$before" ] || fail "$before objects before, $(objects demo-issuer) after"
}

for_machines()
{
    expect 0 doctor --json
    tells '"label": "demo-issuer"'
    tells '"kwp_mechanism": 8458'
    tr -d '\n ' <out >line
    grep -q '"rsa-e3":{"can":true,"why":""}' line || fail "$(cat out)"
    grep -q '"wrap-tdes-ecb":{"can":false,"why":"C_WrapKey:CKR_MECHANISM_INVALID"}' line || fail "$(cat out)"
}

tokens_are_listed()
{
    expect 0 "$cardkeys" list --module "$module"
    tells demo-issuer
    tells demo-bureau
}

what_is_missing_is_asked_for()
{
    expect 2 "$cardkeys" doctor
    says '--module'
    expect 2 "$cardkeys" doctor --module "$module" --pin file:pins/issuer.pin
    says 'shows 2 tokens'
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
shows 'list names the tokens of a module' tokens_are_listed
shows 'doctor says what it lacks' what_is_missing_is_asked_for
finish
