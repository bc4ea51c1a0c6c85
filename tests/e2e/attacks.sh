#!/bin/sh
# Somebody with a token's user PIN, a foreign PKCS#11 tool and the published attacks, against the keys of a ceremony. Each attack
# and its outcome is a row of a table; attacks/softhsm.expected says what gets through. What a token cannot prevent
# must be seen afterwards: by cardkeys verify, cardkeys audit verify --token or cardprep check.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

attacker=$E2E_BUILD/tests/e2e/attacker

# The tokens, once: every role, with keys that were handed over.
make_tokens()
{
    made=$folder/made
    mkdir -m 700 "$made" "$made/tokens"
    (
        cd "$made"
        cp -r "$tokens/pins" .
        sed "s|$demo_module|$module|" "$E2E_SOURCE/tests/e2e/attacks/plan.yaml" >plan.yaml
        configure
        "$cardkeys" run --yes plan.yaml
        "$cardkeys" verify plan.yaml
    ) >"$folder/made.log" 2>&1 || {
        cat "$folder/made.log"
        exit 1
    }
}

configure()
{
    printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n' \
        "$PWD" >softhsm2.conf
    use_tokens "$PWD"
}

# A copy of the tokens, and of all files of the ceremony, for one attack.
fresh()
{
    cd "$place"
    rm -rf copy
    cp -r "$made" copy
    cd copy
    configure
}

# attack TOKEN SET ARGUMENT…: rows for the table.
attack()
{
    token=$1
    shift
    "$attacker" "$module" - "attacked-$token" "pins/$token.pin" "$@" >rows.new || fail "attacker $token $*"
    sed "s/^/$token	/" rows.new >>"$rows"
}

# The same without a login.
stranger()
{
    token=$1
    shift
    "$attacker" "$module" - "attacked-$token" - "$@" >rows.new || fail "stranger $token $*"
    sed "s/^/$token without login	/" rows.new >>"$rows"
}

deed()
{
    token=$1
    shift
    "$attacker" "$module" - "attacked-$token" "pins/$token.pin" "$@"
}

tool()
{
    token=$1
    shift
    pkcs11-tool --module "$module" --token-label "attacked-$token" "$@"
}

logged_in()
{
    token=$1
    shift
    tool "$token" --login --pin "$(cat "pins/$token.pin")" "$@"
}

# by_tool WHAT KEY COMMAND…: a row of its own.
by_tool()
{
    what=$1
    key=$2
    shift 2
    verdict='through: done'
    "$@" >tool.out 2>&1 || verdict=refused
    # OpenSC's tool ends well after some refusals.
    if grep -q '^error: ' tool.out; then verdict=refused; fi
    reason=$(sed 's/unknown PKCS11 error (0x1b)/CKR_ACTION_PROHIBITED/' tool.out | grep -o 'CKR_[A-Z_]*' | head -n 1 || true)
    [ "$verdict" != refused ] || [ -n "$reason" ] || fail "$what $key: not asked of the token: $(cat tool.out)"
    if [ "$verdict" != refused ]; then reason=; fi
    printf '%s, pkcs11-tool\t%s\t%s\t%s\t%s\n' "$token_of_row" "$what" "$key" "$verdict" "$reason" >>"$rows"
}

id_of()
{
    printf %s "$1" | od -An -tx1 | tr -d ' \n'
}

wrapped()
{
    sed -n 's/^wrapped: //p' "$1.handover"
}

api()
{
    for set in values uses oracles wrapping twisting deriving attributes; do
        for on in issuer bureau; do
            fresh
            attack $on $set
        done
    done
}

unwrapping()
{
    fresh
    card=$(deed issuer card-key KML-1 KEK-1)
    for on in issuer bureau; do
        attack $on unwrapping "zcmk.handover=$(wrapped zcmk)" "kek.handover=$(wrapped kek)" \
            "kmc.handover=$(wrapped kmc)" "card-key=$card"
    done
}

sight()
{
    for on in issuer bureau; do
        fresh
        stranger $on values
        stranger $on uses
        stranger $on twisting
        stranger $on attributes
        stranger $on sight
        fresh
        attack $on sight
    done
}

tool_on_the_issuer()
{
    fresh
    token_of_row=issuer
    for key in KML-1 MK-AES-1 KEK-1; do
        by_tool 'read' "$key" logged_in issuer --read-object --type secrkey --label "$key"
        by_tool 'encrypt' "$key" logged_in issuer --encrypt --mechanism AES-ECB --id "$(id_of "$key")" -i plan.yaml -o out
        by_tool 'decrypt' "$key" logged_in issuer --decrypt --mechanism AES-ECB --id "$(id_of "$key")" -i plan.yaml -o out
        by_tool 'change the id' "$key" logged_in issuer --set-id 77 --type secrkey --id "$(id_of "$key")"
    done
    logged_in issuer --keygen --key-type AES:32 --label own --id 99 --extractable >/dev/null 2>&1
    for key in KML-1 MK-AES-1 KEK-1 ZCMK-1; do
        by_tool 'wrap it under a key of one'"'"'s own' "$key" logged_in issuer --wrap --mechanism 0x210A \
            --id 99 --application-id "$(id_of "$key")" -o out
        by_tool 'wrap it under the KEK' "$key" logged_in issuer --wrap --mechanism 0x210A \
            --id "$(id_of KEK-1)" --application-id "$(id_of "$key")" -o out
    done
    printf %0256d 0 >block
    head -c 64 block >short
    by_tool 'sign with raw RSA' job-signing logged_in issuer --sign --mechanism RSA-X-509 \
        --id "$(id_of job-signing)" -i block -o out
    by_tool 'sign by PKCS #1 with SHA-256' issuer-pair logged_in issuer --sign --mechanism SHA256-RSA-PKCS \
        --id "$(id_of issuer-pair)" -i short -o out
    by_tool 'decrypt' issuer-pair logged_in issuer --decrypt --mechanism RSA-PKCS --id "$(id_of issuer-pair)" -i block -o out
    by_tool 'destroy' MK-AES-1 logged_in issuer --delete-object --type secrkey --label MK-AES-1
    by_tool 'destroy' KML-1 logged_in issuer --delete-object --type secrkey --label KML-1
    by_tool 'a new PIN by the security officer' token tool issuer --login --login-type so \
        --so-pin "$(cat pins/issuer.so-pin)" --init-pin --new-pin 11111111
}

# The hand-over file of the KEK, with the PIN of the token that may receive it.
tool_on_the_bureau()
{
    fresh
    token_of_row=bureau
    hex_bytes "$(wrapped kek)" >kek.blob
    by_tool 'unwrap kek.handover as a readable key' ZCMK-1 logged_in bureau --unwrap --mechanism 0x210A \
        --id "$(id_of ZCMK-1)" -i kek.blob --key-type AES: --application-label stolen --application-id 98 --extractable
    by_tool 'decrypt' bureau-exchange logged_in bureau --decrypt --mechanism RSA-PKCS-OAEP \
        --id "$(id_of bureau-exchange)" -i kek.blob -o out
}

# wrong TEXT: cardkeys verify finds it.
wrong()
{
    status=0
    "$cardkeys" verify plan.yaml >out 2>err || status=$?
    [ $status -ne 0 ] || fail "verify finds nothing: $(cat out)"
    grep '^WRONG' out | grep -qF -- "$1" || fail "verify does not say '$1': $(grep WRONG out)"
}

# noticed TOKEN KEY DEED TEXT: the deed is done, and verify says TEXT.
noticed()
{
    fresh
    deed "$1" "$3" "$2" || fail "$3 $2 on $1: the token refuses"
    wrong "$4"
    case $3 in
    replace) what='put another key, with the same attributes, in its place' ;;
    twin) what='put another key of its label beside it' ;;
    secret | public) what="put a $3 key of this label there" ;;
    esac
    printf '%s\t%s\t%s\tthrough: verify says "%s"\t\n' "$1" "$what" "$2" "$4" >>"$rows"
}

replaced()
{
    for key in KML-1 MK-AC-1 KEK-1 ZCMK-1 KBPK-1 job-signing issuer-pair; do
        noticed issuer "$key" replace 'check value is'
        noticed issuer "$key" twin 'has more than one key'
    done
    for key in KEK-1 ZCMK-1 bureau-exchange return-signing; do
        noticed bureau "$key" replace 'check value is'
    done
    noticed bureau KMC-1 replace 'not AES-128'
    noticed bureau 'signer-job-signing(public)' replace 'is not the one that was compared'
    noticed bureau 'signer-job-signing(public)' twin 'has more than one key'
    noticed issuer issuer-pair secret "secret key 'issuer-pair': the plan knows no such key"
    noticed issuer KML-1 public "public key 'KML-1': the plan knows no such key"
    noticed bureau signer-other public "public key 'signer-other': the plan knows no such key"
}

# What arrives signed by somebody whose key was put into the place of the trusted one is not taken in.
false_signer()
{
    fresh
    deed bureau replace 'signer-job-signing(public)'
    logged_in bureau --delete-object --type secrkey --label KEK-1 >/dev/null 2>&1
    expect 5 "$cardkeys" import --yes plan.yaml kek.handover
    says 'is not the one that was compared'
}

destroyed()
{
    fresh
    logged_in issuer --delete-object --type secrkey --label KML-1 >tool.out 2>&1
    wrong 'not done yet'
    fresh
    tool issuer --session-rw --delete-object --type pubkey --label issuer-pair >tool.out 2>&1
    wrong "has no public key 'issuer-pair'"
}

anchor()
{
    fresh
    logged_in issuer --delete-object --type data --label cardkeys-audit-end >tool.out 2>&1
    wrong 'does not keep its end any more'
    expect 5 "$cardkeys" audit verify --token plan.yaml
    says 'somebody removed that'
    fresh
    deed issuer data cardkeys-audit-end "$(printf 'F%.0s' 1 2 3 4)$(printf %076d 0)" yes
    expect 5 "$cardkeys" audit verify --token plan.yaml
    # Without a login a public object of the same name is all that can be made.
    fresh
    "$attacker" "$module" - attacked-issuer - data cardkeys-audit-end "$(printf 'F%.0s' 1 2 3 4)$(printf %076d 0)" no
    expect 0 "$cardkeys" audit verify --token plan.yaml
    tells 'its end is as the token keeps it'
    expect 0 "$cardkeys" verify plan.yaml
    fresh
    if "$attacker" "$module" - attacked-issuer - data cardkeys-audit-end 00 yes 2>tool.out; then fail 'a private object without a login'; fi
}

# before_a_run KEY DEED TEXT: on the demo's tokens, where there is a job: cardprep check refuses.
before_a_run()
{
    cd "$place"
    own_tokens
    "$attacker" "$module" - demo-issuer pins/issuer.pin "$2" "$1"
    expect 3 "$cardprep" check job.yaml
    grep -qF -- "$3" out err || fail "check does not say '$3': $(cat out err)"
}

check_refuses()
{
    job job
    cards 1
    before_a_run KML-1 replace 'another key has this label'
    before_a_run KEK-1 replace 'another key has this label'
    before_a_run MK-AC-1 twin 'has more than one key'
    before_a_run issuer-pair replace 'is not the key of the certificate'
    # The job names no fingerprint of its signing pair: only verify sees another one.
    own_tokens
    "$attacker" "$module" - demo-issuer pins/issuer.pin replace job-signing
    expect 0 "$cardprep" check job.yaml
}

begin attacks softhsm
rows=$folder/rows
: >"$rows"
make_tokens
shows "Cryptoki calls that read, change, use, wrap and derive" api
shows "wrapped keys from files, opened as something else" unwrapping
shows "what is seen and destroyed, with and without a login" sight
shows "OpenSC's tool on the issuer's token" tool_on_the_issuer
shows "OpenSC's tool on the bureau's token" tool_on_the_bureau
shows "replaced keys, doubles and strangers are noticed by verify" replaced
shows "a false signer in the place of the trusted one is not believed" false_signer
shows "destroyed keys are noticed by verify" destroyed
shows "the audit log's end on the token: removed, forged, put there by a stranger" anchor
shows "cardprep check refuses replaced keys and doubles" check_refuses
judged=0
awk -f "$E2E_SOURCE/tests/e2e/attacks/judge.awk" "$E2E_SOURCE/tests/e2e/attacks/softhsm.expected" "$rows" >"$folder/table" || judged=1
cat "$folder/table"
if [ $judged -ne 0 ]; then failures=$((failures + 1)); fi
finish
