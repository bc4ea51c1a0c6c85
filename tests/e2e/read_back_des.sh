#!/bin/sh
# The profile that read_back.sh cannot make on SoftHSM alone: a purse whose TDES keys travel under the card's own TDES key. NSS prepares it,
# the bureau is on SoftHSM as always.
# Exit status 77: NSS, pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd read_back_des "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

# bureau_with_tdes: from here on the tokens are SoftHSM's, with a third KMC. Its plan has files of its own, so it has a folder.
bureau_with_tdes()
{
    tokens=$E2E_WORK/softhsm
    module=$(softhsm_module)
    mkdir kmc
    cd kmc
    furnish "$tokens"
    own_tokens
    sed "s|$demo_module|$module|" "$demo/bureau.yaml" >bureau.yaml
    tdes_kmc
    cd ..
    cp kmc/bureau.yaml bureau.yaml
}

purse_under_des_card_keys()
{
    nss_parameters "$tokens"
    job_under_des_card_keys 2
    expect 0 "$cardprep" run job.yaml --output demo.mic
    bureau_with_tdes
    at_the_bureau
    grep -q 'E1 KDL/C6 = 11$' dump || fail "not method 11: $(grep /C6 dump)"
    blank 12345001 3 --scp 02 --i 55
    blank 12345002 3 --scp 02 --i 15 --t0
    bureau_with 0 personalize '12345001 12345002'
    for record in 1 2; do
        read_back $record
        insert "$(card_of $record)" 0
        joined_purse_input $record
        element_is DF11 01 # of KMC-DES/1, whose keys this bureau's cards call 3
        kmc_is 3
        remove 0
    done
}

begin read_back_des nss
shows "a purse with keys under the card's own TDES key" purse_under_des_card_keys
finish
