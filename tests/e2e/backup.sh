#!/bin/sh
# An issuer's token and its back-up (backup-plan.yaml): masters, KEK and pairs on both, and cards from either.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

twins='KML KMU KMC/1 KMC/2 MK-AC MK-SMI MK-SMC KEK job-signing issuer-pair'

# Tokens of this case alone, none of them there yet.
no_tokens()
{
    rm -f ca-key.yaml issuer-certificate.yaml demo-signer.pem demo.keys.json
    mkdir -m 700 own own/tokens
    sed "s|^directories.tokendir.*|directories.tokendir = $PWD/own/tokens|" "$tokens/softhsm2.conf" >own/softhsm2.conf
    use_tokens "$PWD/own"
    sed "s|$demo_module|$module|" "$E2E_SOURCE/tests/e2e/backup-plan.yaml" >plan.yaml
}

# value KEY TOKEN: the check value of the plan's key there.
value()
{
    "$cardkeys" kcv plan.yaml "$1" | awk -F '\t' -v token="$2" '$1 == token { print $2 }'
}

same_on_both()
{
    for key in $twins; do
        issuer=$(value "$key" issuer)
        [ "${#issuer}" -ge 6 ] || fail "$key has no check value"
        [ "$(value "$key" backup)" = "$issuer" ] || fail "$key: $issuer on issuer, $(value "$key" backup) on backup"
    done
}

cards_from_either()
{
    no_tokens
    expect 0 "$cardkeys" check plan.yaml
    expect 0 "$cardkeys" run --yes plan.yaml
    expect 0 "$cardkeys" verify plan.yaml
    tells 'no other key'
    same_on_both
    cards 4
    for token in issuer backup; do
        job job "s|label: demo-issuer|label: backup-$token|"
        expect 0 "$cardprep" check job.yaml
        tells 'every key found, roles and check values right'
        expect 0 "$cardprep" run job.yaml --job-id 00112233445566778899AABBCCDDEEFF --output $token.mic
        accepted $token.mic 'accepted: 4 records'
        grep -q '8 issuer certificates, 4 signed static data, 8 card certificates' verify.out || fail "verify: $(cat verify.out)"
        rm -f demo.counter
    done
    same_cards issuer.mic backup.mic
    expect 0 "$cardkeys" run --yes plan.yaml
    tells 'TEST  0 made'
    expect 0 "$cardkeys" report plan.yaml
    expect 0 "$cardkeys" audit verify plan.yaml
    # Without the public file of whoever closed it, nobody can say so.
    mv demo-signer.pem away.pem
    expect 5 "$cardkeys" audit verify plan.yaml
    says 'closings could be verified: no public file of a signing pair that closed it is here'
    mv away.pem demo-signer.pem
    expect 0 "$cardkeys" show plan.yaml issuer-pair
    tells 'handed over   to backup under BACKUP'
    [ "$(grep -c '^on .* there, attributes as the role says' out)" -eq 2 ] || fail "show: $(cat out)"
}

# After each call that fails the ceremony goes on where it was, and in the end the tokens are as if none had.
any_unwrap_may_fail()
{
    no_tokens
    export P11PROXY_MODULE="$module"
    change plan.yaml "s|module: $module|module: $proxy|"
    call=1
    until P11PROXY_FAIL="C_UnwrapKey:$call:0x31" "$cardkeys" run --yes plan.yaml >out 2>err; do
        says 'C_UnwrapKey: CKR_DEVICE_MEMORY'
        [ "$call" -le 40 ] || fail 'it never comes to its end'
        call=$((call + 1))
    done
    [ "$call" -gt 5 ] || fail "only $call calls failed"
    expect 0 "$cardkeys" verify plan.yaml
    same_on_both
}

# A hand-over file is of one pair and one role, and of one sitting.
foreign_files()
{
    no_tokens
    sed '/signer: job-signing, at: backup/s/backup/bureau/' plan.yaml >untrusting.yaml
    expect 2 "$cardkeys" check untrusting.yaml
    says "key job-signing: token 'backup' accepts nothing from site 'issuer'"
    expect 0 "$cardkeys" run --yes plan.yaml
    cp issuer-pair.handover old.handover
    before=$(value issuer-pair issuer)
    expect 0 "$cardkeys" destroy --yes plan.yaml issuer-pair
    tells 'destroyed: issuer-pair on backup'
    [ "$(value issuer-pair issuer)$(value issuer-pair backup)" = '--' ] || fail 'issuer-pair is there still'
    expect 5 "$cardkeys" import --yes plan.yaml old.handover
    says 'an old file again'
    expect 0 "$cardkeys" export --yes plan.yaml issuer-pair
    [ "$(value issuer-pair issuer)" != "$before" ] || fail 'the same pair again'
    [ "$(value issuer-pair backup)" = - ] || fail 'it is on the back-up already'
    sed 's/^key: issuer-pair/key: job-signing/; s/^role: .*/role: signing-pair/' issuer-pair.handover >other.handover
    expect 5 "$cardkeys" import --yes plan.yaml other.handover
    flip issuer-pair.handover 900
    status=0
    "$cardkeys" import --yes plan.yaml issuer-pair.handover.flipped >out 2>err || status=$?
    [ "$status" -ge 4 ] || fail "a changed file: $status"
    [ "$(value issuer-pair backup)" = - ] || fail 'a changed file was taken in'
    expect 0 "$cardkeys" import --yes plan.yaml issuer-pair.handover
    tells 'taken in: issuer-pair on backup as issuer-pair'
    same_on_both
}

# All tokens are lost: the back-up key's components and the hand-over files fill a new one, in a ceremony with a log of its own.
restored_from_files()
{
    no_tokens
    expect 0 "$cardkeys" run --yes plan.yaml
    for key in $twins; do value "$key" issuer; done >before
    rm -r own/tokens
    mkdir -m 700 own/tokens
    sed '1,/^keys:/s/label: backup-backup/label: restored/' plan.yaml >restore.yaml
    expect 0 "$cardkeys" run --yes --site backup restore.yaml
    mv restore.yaml plan.yaml
    expect 0 "$cardkeys" verify --site backup plan.yaml
    for key in $twins; do "$cardkeys" kcv --site backup plan.yaml "$key" | cut -f 2; done >after
    cmp before after || fail "$(diff before after)"
    cards 2
    job job 's|label: demo-issuer|label: restored|'
    expect 0 "$cardprep" run job.yaml
    accepted demo.mic 'accepted: 2 records'
}

begin backup softhsm
shows 'the back-up token has the same keys and makes the same cards' cards_from_either
shows 'whichever unwrap fails, the ceremony goes on, and both tokens are right in the end' any_unwrap_may_fail
shows 'an old hand-over file, another key'\''s and a changed one are refused' foreign_files
shows 'components and hand-over files alone fill a new token' restored_from_files
finish
