#!/bin/sh
# No secret key value enters the process: the log of every PKCS#11 call of whole runs, written by a module in front of the real one.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# absent PATTERN WHAT: no call in the log is of this kind.
absent()
{
    if grep -E "$1" calls.log >found; then fail "$2: $(head -n 3 found)"; fi
}

# recorded: what holds for every call in calls.log.
recorded()
{
    [ "$(grep -c ' C_DeriveKey' calls.log)" -gt 10 ] || fail 'the log is empty'
    absent 'C_GetAttributeValue.* CKA_(PRIVATE_EXPONENT|PRIME_[12]|EXPONENT_[12]|COEFFICIENT)( |\[|$)' 'a secret attribute is read'
    absent 'C_GetAttributeValue.* CKA_CHECK_VALUE' 'a check value is read'
    absent 'C_CreateObject' 'an object is created'
    absent ' C_(SetPIN|InitToken|InitPIN)' 'the token itself is changed'
    absent ' C_(Decrypt|DecryptInit|DigestKey)' 'something is opened'
    grep 'CKA_TOKEN=true' calls.log | grep -v C_FindObjectsInit >found || :
    [ ! -s found ] || fail "a token object is made: $(head -n 3 found)"
    # A value is read only where the call before made a check value.
    awk '/ C_GetAttributeValue.* CKA_VALUE( |$)/ && before !~ / C_DeriveKey.*CKA_SENSITIVE=false.* -> 0x0$/ { print before; print }
        { before = $0 }' calls.log >found
    [ ! -s found ] || fail "a value is read: $(head -n 4 found)"
    # The one derive that is not sensitive is the check value's, over its fixed constants.
    grep ' C_DeriveKey' calls.log | grep -v 'CKA_SENSITIVE=true' >clear || :
    [ -s clear ] || fail 'no check-value derivation in the log'
    if grep -v 'CKA_SENSITIVE=false' clear >found; then fail "no word on sensitivity: $(head -n 3 found)"; fi
    grep -v 'data=zeros' clear | grep -v 'CKA_VALUE_LEN=5' >found || :
    [ ! -s found ] || fail "clear derivation over other data: $(head -n 3 found)"
    grep 'C_Generate' calls.log | grep -v 'CKA_SENSITIVE=true' | grep -v C_GenerateRandom >found || :
    [ ! -s found ] || fail "a generated key that is not sensitive: $(head -n 3 found)"
}

# made_and_destroyed: each session object that a run made was destroyed. A pair is two.
made_and_destroyed()
{
    made=$(grep -cE ' C_(DeriveKey|GenerateKey|UnwrapKey|CopyObject) .* -> 0x0' calls.log)
    pairs=$(grep -cE ' C_GenerateKeyPair .* -> 0x0' calls.log) || :
    destroyed=$(grep -cE ' C_DestroyObject.* -> 0x0' calls.log)
    [ "$((made + 2 * pairs))" -eq "$destroyed" ] || fail "$made keys and $pairs pairs made, $destroyed objects destroyed"
}

run_recorded()
{
    through_proxy
    export P11PROXY_LOG="$PWD/calls.log"
    expect 0 "$cardprep" run job.yaml --workers 1 # one: two would write their lines in between each other's
    recorded
}

whole_run()
{
    job job
    cards 3
    run_recorded
    made_and_destroyed
}

aes_masters()
{
    job job-fixed
    cards 3 fixed
    run_recorded
    made_and_destroyed
}

second_embodiment()
{
    job job-joins
    cards 3 join
    run_recorded
    made_and_destroyed
}

# check tries what the token can do, with keys of its own; of the job's keys it reads as little.
check_reads_no_secret()
{
    job job
    cards 1
    through_proxy
    export P11PROXY_LOG="$PWD/calls.log"
    expect 0 "$cardprep" check job.yaml
    absent 'C_GetAttributeValue.* CKA_(PRIVATE_EXPONENT|PRIME_[12]|EXPONENT_[12]|COEFFICIENT)( |\[|$)' 'a secret attribute is read'
    absent ' C_(SetPIN|InitToken|InitPIN)' 'the token itself is changed'
    grep 'CKA_TOKEN=true' calls.log | grep -v C_FindObjectsInit >found || :
    [ ! -s found ] || fail "a token object is made: $(head -n 3 found)"
}

# The PIN goes to C_Login alone, and the log of the run, its messages and results do not hold it.
pin_is_nowhere()
{
    job job
    cards 1
    run_recorded
    if grep -F 12345678 calls.log out err demo.mic; then fail 'the PIN is shown'; fi
}

begin recording softhsm
shows 'no secret enters the process while TDES cards with key pairs are made' whole_run
shows 'no secret enters the process while AES cards are made' aes_masters
shows "no secret enters the process while keys leave under cards' own keys" second_embodiment
shows 'check reads no secret' check_reads_no_secret
shows 'the PIN is nowhere' pin_is_nowhere
finish
