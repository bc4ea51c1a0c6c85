#!/bin/sh
# A token that refuses call N of each kind. Once: another worker makes up for it, or the run ends with exit status 3. Always: exit
# status 3, one message with the function and the CKR name, no output, nothing left on the token.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

id=00112233445566778899AABBCCDDEEFF
general_error=0x5
device_error=0x30

start_case()
{
    own_tokens
    job "$1" 's/^on_bad_record.*//; s/, set_aside: [^}]*//'
    cards 2 "${2:-csv}"
    output=$(sed -n 's/^output: {file: \([^,}]*\).*/\1/p' job.yaml)
    through_proxy
    before=$(objects demo-issuer)
    P11PROXY_LOG="$PWD/calls.log" expect 0 "$cardprep" run job.yaml --job-id $id --workers 1 --output good.mic
    sed 's/^[0-9]* \(C_[A-Za-z]*\).*/\1/' calls.log | sort | uniq -c >counts
    # The second wrap of the cards; two cards, each with as many after what a worker wraps at its start.
    first_card=$(awk '/ C_WrapKey/ { wraps++ } / C_FindObjectsInit/ { start = wraps } END { print start + 2 }' calls.log)
}

nothing_left_on_the_token()
{
    [ "$(objects demo-issuer)" -eq "$before" ] || fail "$before objects before, $(objects demo-issuer) after"
}

# ended FAULT: the run is good, or it is refused as it should be.
ended()
{
    rm -f "$output"
    status=0
    "$cardprep" run job.yaml --job-id $id --workers 1 >out 2>err || status=$?
    case $status in
    0)
        accepted "$output"
        same_cards good.mic "$output"
        ;;
    3)
        one_message
        nothing_there "$output"
        ;;
    *) fail "$1: exit status $status: $(cat err)" ;;
    esac
}

# Each kind, at its first, middle and last call. Probing the token, tearing down and asking for names may fail without harm.
fails_for_good()
{
    while read -r count kind; do
        for at in 1 $(((count + 1) / 2)); do
            export P11PROXY_FAIL="$kind:+$at:$device_error"
            ended "$P11PROXY_FAIL"
            case $kind in
            C_Finalize | C_CloseSession | C_CopyObject | C_GetInfo | C_UnwrapKey | C_GetMechanism*) continue ;;
            C_FindObjectsFinal | C_DestroyObject) continue ;;
            esac
            [ $status -eq 3 ] || fail "$P11PROXY_FAIL: exit status $status"
            says CKR_DEVICE_ERROR
        done
    done <counts
    nothing_left_on_the_token
}

masters_in_des_and_key_pairs()
{
    start_case job
    fails_for_good
}

masters_in_aes()
{
    start_case job-fixed fixed
    fails_for_good
}

# A refusal that does not come again costs one worker and no card.
fails_once()
{
    start_case job
    while read -r count kind; do
        for at in $(((count + 1) / 2)) "$count"; do
            rm -f once
            export P11PROXY_ONCE="$PWD/once" P11PROXY_FAIL="$kind:$at:$general_error"
            ended "$P11PROXY_FAIL"
            case $kind in
            C_DeriveKey | C_GenerateKeyPair | C_WrapKey | C_Sign | C_SignInit | C_Encrypt | C_EncryptInit)
                [ $status -eq 0 ] || fail "$P11PROXY_FAIL is not made up for: $(cat err)"
                ;;
            esac
        done
    done <counts
    nothing_left_on_the_token
}

# The message is the whole story, from the record to the function.
message_names_everything()
{
    start_case job-fixed fixed
    export P11PROXY_FAIL="C_WrapKey:+$first_card:0x6A"
    expect 3 "$cardprep" run job.yaml --workers 1
    says 'record 1: application emv-debit-aes: '
    says 'MK-AC'
    says 'C_WrapKey: CKR_KEY_UNEXTRACTABLE'
    nothing_there "$output"
}

# With set-aside too: a broken token is not a bad record.
token_errors_are_not_set_aside()
{
    start_case job-fixed fixed
    change job.yaml 's/^output: {file: demo-fixed.mic/on_bad_record: set-aside\n&, set_aside: refused/'
    export P11PROXY_FAIL="C_WrapKey:+$first_card:$device_error"
    refused 3 CKR_DEVICE_ERROR "$output"
    [ ! -e refused ] || fail 'records are set aside'
}

# killing.sh's counterpart: quick shows what takes no time.
begin "faults${1:+_$1}" softhsm
if [ "${1:-}" = quick ]; then
    shows 'the message names record, application, key and function' message_names_everything
    shows 'a token that fails sets no record aside' token_errors_are_not_set_aside
    finish
    exit
fi
shows 'calls that fail for good, TDES masters and key pairs' masters_in_des_and_key_pairs
shows 'calls that fail for good, AES masters' masters_in_aes
shows 'a call that fails once is made up for' fails_once
finish
