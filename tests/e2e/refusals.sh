#!/bin/sh
# Tokens, keys, files and disks that are not as a job expects: exit status 2, 3 or 6, one message, no output.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# Two cards without key pairs from fixed columns, to out.mic.
debit()
{
    job job-fixed "s/^on_bad_record.*//; s/^output:.*/output: {file: out.mic}/${1:+; $1}"
    cards "${2:-2}" fixed
}

# ---- tokens ----

module_is_not_there()
{
    debit "s|$module|/usr/lib/no-such-module.so|"
    refused 3 '/usr/lib/no-such-module.so' out.mic
}

module_is_none()
{
    debit "s|$module|$(command -v true)|"
    refused 3 "$(command -v true)" out.mic
}

token_is_not_there()
{
    debit 's/demo-issuer/elsewhere/'
    refused 3 "'elsewhere'" out.mic
    says 'no such token is present'
}

wrong_pin()
{
    debit 's|pins/issuer.pin|wrong.pin|'
    (umask 077 && echo 87654321 >wrong.pin)
    refused 3 CKR_PIN_INCORRECT out.mic
    if grep -q 87654321 err; then fail 'the PIN in the message'; fi
}

# SoftHSM never locks a PIN: the module in front of it does.
locked_pin()
{
    debit
    through_proxy
    export P11PROXY_FAIL=C_Login:+1:0xA4
    refused 3 CKR_PIN_LOCKED out.mic
}

# ---- keys ----

key_is_missing()
{
    debit 's/label: MK-AC-AES-1/label: MK-AC-AES-9/'
    refused 3 'MK-AC-AES-9' out.mic
    expect 3 "$cardprep" check job.yaml
    says 'MK-AC-AES-9'
}

wrong_check_value()
{
    debit 's/444DE4F603/444DE4F604/'
    refused 3 "MK-AC-AES" out.mic
    says 444DE4F604
    says 444DE4F603
}

wrong_kek()
{
    debit 's/kcv: "C67F916CD4"/kcv: "C67F916CD5"/'
    refused 3 KEK out.mic
}

# tool ARGUMENT…: pkcs11-tool on the issuer's token.
tool()
{
    pkcs11-tool --module "$module" --token-label demo-issuer --login --pin "$(cat pins/issuer.pin)" "$@" >tool.out 2>&1 ||
        fail "pkcs11-tool $*: $(cat tool.out)"
}

doubled_label()
{
    own_tokens
    debit
    tool --keygen --key-type AES:16 --label MK-AC-AES-1 --sensitive --private
    refused 3 'MK-AC-AES-1' out.mic
    says 'more than one key'
}

# A key of the right name that may do more than its role: what is too wide is named.
wrong_attributes()
{
    own_tokens
    debit 's/label: MK-AC-AES-1, kcv: "444DE4F603"/label: wide, kcv: "444DE4F603"/'
    tool --keygen --key-type AES:16 --label wide --sensitive --private --extractable
    refused 3 "key 'MK-AC-AES/1'" out.mic
    says 'is extractable'
}

wrong_kind_of_key()
{
    own_tokens
    debit 's/label: MK-AC-AES-1, kcv: "444DE4F603"/label: KML-1, kcv: "444DE4F603"/'
    refused 3 'it is no AES-128 key' out.mic
}

# The scheme CA's pair may sign more than END; the issuer's pair may not sign END at all.
wrong_pair_for_signing()
{
    debit 's/signing_key: {label: job-signing}/signing_key: {label: issuer-pair}/'
    refused 3 "key 'signing-key' allows mechanism" out.mic
}

another_issuer_key_than_the_certificate()
{
    job job 's/label: issuer-pair/label: job-signing/; s/^output:.*/output: {file: out.mic}/'
    cards 1
    status=0
    "$cardprep" run job.yaml >out 2>err || status=$?
    case $status in 3 | 5) ;; *) fail "exit status $status: $(cat err)" ;; esac
    one_message
    nothing_there out.mic
}

# ---- configuration ----

misspelt_setting()
{
    debit 's/^signing_key:/signin_key:/'
    refused 2 "job.yaml:" out.mic
    says signing_key
}

certificate_of_another_issuer()
{
    job job 's/ca-key.yaml/other-ca.yaml/; s/^output:.*/output: {file: out.mic}/'
    cards 1
    # The modulus is made anew at each setup: the byte that is changed may be the one that it would become.
    head='^\( *modulus: *"\{0,1\}[0-9A-Fa-f]\{16\}\)'
    sed -e "s/${head}00/\\101/" -e t -e "s/${head}../\\100/" ca-key.yaml >other-ca.yaml
    if cmp -s ca-key.yaml other-ca.yaml; then fail 'the key is not changed'; fi
    status=0
    "$cardprep" run job.yaml >out 2>err || status=$?
    case $status in 2 | 5) ;; *) fail "exit status $status: $(cat err)" ;; esac
    one_message
    nothing_there out.mic
}

# ---- files ----

output_exists()
{
    debit
    echo precious >out.mic
    expect 6 "$cardprep" run job.yaml
    one_message
    says 'out.mic: exists'
    [ "$(cat out.mic)" = precious ] || fail 'it was replaced'
    [ ! -e out.mic.partial ] || fail 'a partial file'
}

partial_exists()
{
    debit
    echo half >out.mic.partial
    expect 6 "$cardprep" run job.yaml
    one_message
    says 'out.mic.partial'
    [ "$(cat out.mic.partial)" = half ] || fail 'it was replaced'
    [ ! -e out.mic ] || fail 'an output'
}

folder_is_not_there()
{
    debit 's|out.mic|no/such/folder/out.mic|'
    refused 6 'no/such/folder/out.mic' no/such/folder/out.mic
}

folder_is_read_only()
{
    [ "$(id -u)" -ne 0 ] || return 0 # root may write everywhere
    mkdir -m 500 locked
    debit 's|out.mic|locked/out.mic|'
    refused 6 'locked/out.mic' locked/out.mic
}

# A limit on file sizes is an error like a full disk: 8 blocks of 512 bytes.
limit_on_file_size()
{
    debit '' 30
    expect 6 sh -c "ulimit -f 8; exec \"\$0\" run job.yaml" "$cardprep"
    one_message
    says 'out.mic.partial'
    nothing_there out.mic
}

# Where a small file system can be mounted (root, and not in every container).
full_disk()
{
    mkdir small
    mount -t tmpfs -o size=16k tmpfs small 2>/dev/null || return 0
    debit 's|out.mic|small/out.mic|' 60
    status=0
    "$cardprep" run job.yaml >out 2>err || status=$?
    ls small >left
    umount small
    [ $status -eq 6 ] || fail "exit status $status: $(cat err)"
    one_message
    [ ! -s left ] || fail "left behind: $(cat left)"
}

counter_that_is_none()
{
    job job 's/^output:.*/output: {file: out.mic}/'
    cards 1
    echo nonsense >demo.counter
    status=0
    "$cardprep" run job.yaml >out 2>err || status=$?
    case $status in 2 | 4 | 5 | 6) ;; *) fail "exit status $status: $(cat err)" ;; esac
    one_message
    says demo.counter
    nothing_there out.mic
    [ "$(cat demo.counter)" = nonsense ] || fail 'the counter was replaced'
}

# ---- where PINs come from ----

pin_from_a_descriptor()
{
    debit 's|file:pins/issuer.pin|fd:7|'
    expect 0 "$cardprep" run job.yaml 7<pins/issuer.pin
    accepted out.mic
}

pin_from_a_credential()
{
    debit 's|file:pins/issuer.pin|credential:issuer|'
    mkdir -m 700 credentials
    cp -p pins/issuer.pin credentials/issuer
    CREDENTIALS_DIRECTORY=$PWD/credentials expect 0 "$cardprep" run job.yaml
    accepted out.mic
    rm out.mic
    refused 3 'credential' out.mic
}

pin_from_a_prompt()
{
    debit 's|file:pins/issuer.pin|prompt|'
    printf '12345678\n' >typed
    script -qec "$cardprep run job.yaml" screen <typed >/dev/null 2>&1 || fail "$(cat screen)"
    grep -qi 'PIN' screen || fail "no prompt: $(cat screen)"
    accepted out.mic
    # script itself shows what it was given before the prompt turned echo off, so the screen proves nothing about echo.
}

pin_prompt_without_terminal()
{
    debit 's|file:pins/issuer.pin|prompt|'
    expect 3 setsid -w "$cardprep" run job.yaml </dev/null
    one_message
    nothing_there out.mic
}

pin_file_for_all_to_read()
{
    debit 's|pins/issuer.pin|open.pin|'
    cp pins/issuer.pin open.pin
    chmod 644 open.pin
    refused 3 'open.pin' out.mic
    says 'chmod 600'
}

pin_in_the_job()
{
    debit 's|"file:pins/issuer.pin"|"12345678"|'
    expect 2 "$cardprep" run job.yaml
    nothing_there out.mic
}

begin refusals softhsm
shows 'a module that is not there' module_is_not_there
shows 'a file that is no module' module_is_none
shows 'a token that is not there' token_is_not_there
shows 'a wrong PIN' wrong_pin
shows 'a locked PIN' locked_pin
shows 'a missing key' key_is_missing
shows 'a wrong check value' wrong_check_value
shows "a KEK that is not the job's" wrong_kek
shows 'a doubled label' doubled_label
shows 'a key that may do more than its role' wrong_attributes
shows 'a key of another kind' wrong_kind_of_key
shows 'a pair of another role for signing' wrong_pair_for_signing
shows "an issuer key that is not the certificate's" another_issuer_key_than_the_certificate
shows 'a misspelt setting' misspelt_setting
shows 'a certificate that its CA key does not recover' certificate_of_another_issuer
shows 'an output that exists' output_exists
shows 'an unfinished output that exists' partial_exists
shows 'an output folder that is not there' folder_is_not_there
shows 'an output folder that is read-only' folder_is_read_only
shows 'a limit on file sizes' limit_on_file_size
shows 'a full disk' full_disk
shows 'a counter file that is none' counter_that_is_none
shows 'a PIN from a file descriptor' pin_from_a_descriptor
shows 'a PIN from a systemd credential' pin_from_a_credential
shows 'a PIN typed at a terminal' pin_from_a_prompt
shows 'a prompt without a terminal' pin_prompt_without_terminal
shows 'a PIN file that others may read' pin_file_for_all_to_read
shows 'a PIN in the job itself' pin_in_the_job
finish
