#!/bin/sh
# The shipped plan from empty tokens to a night run at the issuer and a bureau that can unwrap, with a signed report: by people
# at a terminal, without shortcuts. What the first case makes, the later ones look at.
# shellcheck source=tests/e2e/ceremony_lib.sh
. "$(dirname "$0")/ceremony_lib.sh"

held=$E2E_WORK/ceremony/made/hall

# Nothing is there, and nothing is made by looking.
made()
{
    hold hall
    expect 0 people : "$cardkeys" check plan.yaml
    tells '0 there, 28 to be made'
    [ -z "$(ls tokens)" ] || fail 'check makes a token'
    expect 0 people : "$cardkeys" run plan.yaml
    relates '25 made, 0 already there, 1 waiting for others'
    relates 'waiting: send issuer-certificate.request.yaml to the scheme'
    as_far_as_planned
    the_scheme_answers
    relates 'Certificate made'
    to_the_end
    relates ' 0 made, 26 already there, 0 waiting for others'
    all_right
    expect 0 people : "$cardkeys" audit verify plan.yaml --token
    relates '0 lines behind the last verified one; its end is as the token keeps it'
    expect 0 people : "$cardkeys" report plan.yaml
}

# groups FILE: its hash as people compare it.
groups()
{
    sha256sum "$1" | cut -d ' ' -f 1 | sed 's/..../& /g; s/ $//'
}

# Every step, and nothing that is typed hidden.
script_is_complete()
{
    hold hall
    expect 0 "$cardkeys" script plan.yaml
    cp out text
    expect 0 "$cardkeys" script plan.yaml --pdf script.pdf
    pdftotext -layout script.pdf pages
    expect 0 "$cardkeys" check plan.yaml
    sed -n 's|^ *\([0-9]*\)/28  \(.\{44\}\).*|\1. \2|p' out | sed 's/ *$//' >steps
    [ "$(wc -l <steps)" -eq 28 ] || fail "not 28 steps: $(cat out)"
    while read -r step; do
        grep -qxF -- "$step" text || fail "the text lacks '$step'"
        unwrapped pages | grep -qF -- "$step" || fail "the pages lack '$step'"
    done <steps
    for word in 'Officer 1' 'Custodian 2' Auditor Signature "$(groups plan.yaml)" "$(groups "$cardkeys")"; do
        unwrapped text | grep -qF -- "$word" || fail "the text lacks '$word'"
        unwrapped pages | grep -qF -- "$word" || fail "the pages lack '$word'"
    done
    awk 'length > 80 { print; long = 1 } END { exit long }' text || fail 'lines of more than 80 columns'
    no_secret text
    no_secret pages
}

# no_secret FILE: neither components nor PINs that ceremony.exp types.
no_secret()
{
    # Without hashes and signatures, in which five digits turn up by chance.
    sed -E 's/[0-9A-Fa-f]{64,}/#/g' "$1" | tr -d ' \r\n' >squeezed
    for secret in 3B6E51C408F7A2D9 9C15E84A70B3D62F 1F2E3D4C5B6A7988 97A6B5C4D3E2F100 A0B1C2D3E4F50617 28394A5B6C7D8E9F \
        55443322110F1E2D 3C4B5A6978879605 13572 46801 97531 86420; do
        if grep -qiF "$secret" squeezed; then fail "$1 holds $secret"; fi
    done
}

report_is_signed_and_whole()
{
    taken_from "$held"
    report=example.report.txt
    printf 'cardprep-report-1\0' | cat - $report >signed
    openssl dgst -sha256 -verify job-signer.pem -signature $report.sig signed >/dev/null || fail 'the signature is wrong'
    echo x >>signed
    if openssl dgst -sha256 -verify job-signer.pem -signature $report.sig signed >/dev/null; then fail 'any report passes'; fi
    expect 0 people : "$cardkeys" list plan.yaml
    cp out list
    for key in KML/1 KMU/1 KMC/1 KEK/1 ZCMK-BUREAU/1 MK-AC/1 MK-SMI/1 MK-SMC/1; do
        kcv=$(sed -n "s|^$key on .*check value \([0-9A-F]*\).*|\1|p" list)
        [ -n "$kcv" ] || fail "list shows no check value of $key"
        grep -q "^$key .* $kcv " $report || fail "the report lacks $key with $kcv"
        grep -q "key: key=${key%/*}, version=1, .*kcv=$kcv" $report || fail "the report does not say how $key was made"
    done
    for file in plan.yaml job-signer.pem return-signer.pem bureau-exchange.pem zcmk-bureau-1.handover kek-1.handover kmc-1.handover \
        issuer-certificate.yaml ca-key.yaml example.audit.jsonl; do
        grep -qxF "$(sha256sum $file)" $report || fail "the report lacks the hash of $file"
    done
    grep -q "^its SHA-256 $(sha256sum "$cardkeys" | cut -d ' ' -f 1)" $report || fail 'the report lacks the hash of the program'
    for text in 'Officer 1, Officer 2' 'Custodian 1, Custodian 2' Auditor 'its end is as the token keeps it' \
        'custodian=Custodian 2, kcv=' 'components in this program (and the key, where the token cannot add them): 2 keys' 'not allowed'; do
        grep -qF "$text" $report || fail "the report lacks '$text'"
    done
    no_secret $report
}

# list, show and kcv say the same, of the tokens.
keys_are_shown()
{
    taken_from "$held"
    expect 0 people : "$cardkeys" list plan.yaml
    kek=$(sed -n 's/^KEK\/1 on issuer .*check value \([0-9A-F]*\).*/\1/p' out)
    expect 0 people : "$cardkeys" kcv plan.yaml KEK
    tells "issuer	$kek"
    tells "bureau	$kek"
    expect 0 people : "$cardkeys" show plan.yaml KEK/1
    tells 'kek-issuer, there, attributes as the role says'
    tells 'kek-bureau, there, attributes as the role says'
    tells kek-1.handover
    expect 0 people : "$cardkeys" show plan.yaml KML
    tells '1048576 blocks, then warn'
    tells 'from components'
}

# The issuer's job with these keys. The night run has the PIN from a file.
night_job()
{
    expect 0 people : "$cardkeys" list plan.yaml
    cp out list
    kcv() { sed -n "s|^$1/1 on issuer .*check value \([0-9A-F]*\).*|\1|p" list; }
    (umask 077 && mkdir pins && printf '1357246801\n' >pins/issuer.pin && printf '1357246801\n' >pins/bureau.pin)
    cp -r "$E2E_SOURCE/config/examples/profiles" .
    sed "s|$demo_module|$module|; s/label: demo-issuer/label: example-issuer/; s/KEK-1, kcv: \"[^\"]*\"/KEK-1, kcv: \"$(kcv KEK)\"/
        s/name: demo-issuer-key/name: issuer-pair/; s/issuer_key: demo-issuer-key/issuer_key: issuer-pair/; /name: KMC, version: 2/d" \
        "$demo/job.yaml" >job.yaml
    for key in KML KMU KMC MK-AC MK-SMI MK-SMC; do
        change job.yaml "s/label: $key-1, kcv: \"[^\"]*\"/label: $key-1, kcv: \"$(kcv $key)\"/"
    done
    echo 'audit_log: example.audit.jsonl' >>job.yaml
    cards 3
}

# secrets FILE: the symmetric secrets of the first record, as unwrap_check wants them. Where they are, inspect says.
secrets()
{
    "$cardprep" inspect --record 1 "$1" | awk '/C4 .*DES2/ { kind = "des2" } /C4 .*AES/ { kind = "aes128" } /C4 .*RSA/ { kind = "" }
        / C5 / { kcv = $NF } / C7 / && kind { print kind, $1 + 2, $2 - 2, kcv }' |
        while read -r kind at len kcv; do
            echo "$kind $(od -An -v -tx1 -j "$at" -N "$len" "$1" | tr -d ' \n' | tr a-f A-F) $kcv"
        done
}

night_run()
{
    taken_from "$held"
    night_job
    expect 0 "$cardprep" check job.yaml
    expect 0 "$cardprep" run job.yaml
    expect 0 "$cardprep" verify demo.mic --signer job-signer.pem --ca-key ca-key.yaml
    if grep -q TEST out err; then fail "it says TEST: $(cat out err)"; fi
    # The bureau's token opens every key of the first record.
    secrets demo.mic >wrapped
    [ "$(wc -l <wrapped)" -eq 5 ] || fail "$(wc -l <wrapped) secrets in the first record"
    expect 0 "$E2E_BUILD/tests/e2e/unwrap_check" "$module" example-bureau pins/bureau.pin KEK-1 "$(kcv KEK)" <wrapped
    tells '5 keys unwrapped, every check value right'
    expect 1 "$E2E_BUILD/tests/e2e/unwrap_check" "$module" example-issuer pins/issuer.pin KEK-1 "$(kcv KEK)" <wrapped
    # The night run wrote down what it used, and the ceremony's evidence is still whole.
    [ "$(grep -c '"event":"use"' example.audit.jsonl)" -eq 5 ] || fail "uses: $(grep '"use' example.audit.jsonl)"
    all_right
    # The next sitting closes the log over it.
    to_the_end
    all_right
    relates '0 lines behind the last verified one'
}

begin ceremony softhsm
shows 'from empty tokens to a report, by people at a terminal' made
shows 'the script has every step, as text and as pages, and no secret' script_is_complete
shows 'the report is signed, complete, and holds no secret' report_is_signed_and_whole
shows 'list, show and kcv' keys_are_shown
shows 'a night run at the issuer, and a bureau that unwraps' night_run
finish
