#!/bin/sh
# The life of a key after its ceremony: a limit is raised, a version follows another, one is destroyed; and the audit log that
# tells of it, when somebody changes it.
# shellcheck source=tests/e2e/ceremony_lib.sh
. "$(dirname "$0")/ceremony_lib.sh"

held=$E2E_WORK/ceremony_life/held

held()
{
    [ -e "$held" ] || (hold "$held" && to_the_end && as_far_as_planned)
    taken_from "$held"
}

# tells_of EVENT TEXT…: the log's last line of this event has each text.
tells_of()
{
    grep "\"event\":\"$1\"" example.audit.jsonl | tail -n 1 >line
    shift
    for text in "$@"; do
        grep -qF -- "$text" line || fail "the log does not say $text: $(cat line)"
    done
}

# To raise a limit takes two officers; to lower it does not.
limit_is_raised_by_two()
{
    held
    tells_of limit '"key":"KMU"' '"blocks":1048576' '"then":"warn"'
    change plan.yaml '/name: KML/,/name: KMU/s/blocks: 1048576/blocks: 2097152/'
    expect 4 people --always 'Second officer, type your name' 'officer 1' : "$cardkeys" run plan.yaml
    relates 'That is the first officer again; another one, please.'
    expect 130 people --wrong 'do you both agree' no : "$cardkeys" run plan.yaml
    relates 'the officers do not agree'
    tells_of limit '"key":"KMU"' '"blocks":1048576'
    expect 0 people --wrong 'First officer, type your name' Auditor : "$cardkeys" run plan.yaml
    relates 'The plan names no officer of that name.'
    relates 'raise the limit of KML/1 from 1048576 to 2097152 blocks, then warn'
    tells_of limit '"key":"KML"' '"blocks":2097152' '"officer_1":"Officer 1"' '"officer_2":"Officer 2"'
    as_far_as_planned
    change plan.yaml '/name: KML/,/name: KMU/s/blocks: 2097152, then: warn/blocks: 1000, then: stop/'
    to_the_end
    tells_of limit '"blocks":1000' '"then":"stop"'
    # From stop to warn is more, too.
    change plan.yaml '/name: KML/,/name: KMU/s/blocks: 1000, then: stop/blocks: 1000, then: warn/'
    expect 0 people --at 'First officer' 'echo asked >asked' : "$cardkeys" run plan.yaml
    [ -e asked ] || fail 'nobody was asked'
    as_far_as_planned
}

# What is shown and written down is the plan that is carried out, also when its file is another one meanwhile.
plan_that_changes_meanwhile()
{
    held
    change plan.yaml '/name: KML/,/name: KMU/s/blocks: 1048576, then: warn/blocks: 1000, then: stop/'
    was=$(sha256sum plan.yaml | cut -d ' ' -f 1)
    expect 0 people --at 'shall the ceremony begin' 'echo "# another" >>plan.yaml' : "$cardkeys" run plan.yaml
    [ "$was" != "$(sha256sum plan.yaml | cut -d ' ' -f 1)" ] || fail 'the plan is as it was'
    tells_of limit '"blocks":1000' '"then":"stop"'
    tells_of begin "\"plan_hash\":\"$was\""
}

version_follows_version()
{
    held
    expect 0 people : "$cardkeys" rotate plan.yaml KML
    relates 'The plan gains this entry'
    relates 'let KML/1 be followed by version 2'
    grep -q 'KML/2 on issuer' out || fail "no version 2: $(cat out)"
    tells_of rotate '"key":"KML"' '"from":1' '"to":2'
    tells_of key '"key":"KML"' '"version":2' '"label":"KML-2"' '"origin":"components"'
    grep -q '^  # The transport key to the bureau, without paper' plan.yaml || fail 'comments of the plan are gone'
    diff "$plan" plan.yaml >gained || :
    if grep -q '^<' gained; then fail "the plan lost something: $(cat gained)"; fi
    expect 0 people : "$cardkeys" check plan.yaml
    as_far_as_planned
    expect 0 people : "$cardkeys" show plan.yaml KML
    relates 'KML/2'
    expect 2 people : "$cardkeys" rotate plan.yaml KML/1
    relates "version 2 of key 'KML' follows it already"
    # A key that travels: its new version goes out in a new file.
    expect 0 people : "$cardkeys" rotate plan.yaml KEK
    [ -e kek-2.handover ] || fail 'no hand-over of KEK/2'
    as_far_as_planned
}

# take_out NAME VERSION: the entry goes from the plan.
take_out()
{
    awk -v name="$1" -v version="$2" '/^  - / || /^[a-z#]/ { held = $0; if ($0 ~ "^  - name: " name "$") { wait = 1; out = 0; next } out = 1; wait = 0 }
        wait { wait = 0; out = $0 !~ "version: " version "$"; if (out) print held }
        out' plan.yaml >plan.next
    if cmp -s plan.yaml plan.next; then fail "no entry of $1/$2"; fi
    mv plan.next plan.yaml
}

key_is_destroyed_by_two()
{
    held
    expect 0 people : "$cardkeys" rotate plan.yaml KML
    export CEREMONY_LABEL=KML-1
    expect 2 people : "$cardkeys" destroy plan.yaml KML
    relates 'which version?'
    expect 4 people --always 'Second officer, type your name' 'Officer 1' : "$cardkeys" destroy plan.yaml KML/1
    expect 4 people --always "Type the key's label" KML-2 : "$cardkeys" destroy plan.yaml KML/1
    relates "three wrong answers to: Type the key's label"
    expect 130 people --interrupt "Type the key's label" : "$cardkeys" destroy plan.yaml KML/1
    as_far_as_planned
    keys_on example-issuer | grep -qx KML-1 || fail 'KML-1 is gone'
    expect 0 people : "$cardkeys" destroy plan.yaml KML/1
    relates 'destroyed: KML/1 on issuer'
    relates 'Take the key out of the plan'
    if keys_on example-issuer | grep -qx KML-1; then fail 'KML-1 is still there'; fi
    keys_on example-issuer | grep -qx KML-2 || fail 'KML-2 is gone'
    tells_of destroy '"key":"KML"' '"version":1' '"label":"KML-1"' '"officer_1":"Officer 1"' '"officer_2":"Officer 2"'
    take_out KML 1
    expect 0 people : "$cardkeys" check plan.yaml
    as_far_as_planned
    expect 0 people : "$cardkeys" audit verify --token plan.yaml
    expect 0 people : "$cardkeys" report plan.yaml
    grep -q 'destroy: key=KML, version=1, token=issuer, label=KML-1, officer_1=Officer 1, officer_2=Officer 2' example.report.txt ||
        fail 'the report does not tell'
}

# found TEXT [OPTION]: audit verify refuses the log with this text; verify does, too.
found()
{
    expect 5 people : "$cardkeys" audit verify plan.yaml ${2:+"$2"}
    relates "$1"
    expect 5 people : "$cardkeys" verify plan.yaml
    relates 'WRONG audit log:'
    [ "$(grep -c '^WRONG  key' out)" -eq 0 ] || fail "each key is called wrong: $(cat out)"
}

log_that_was_changed()
{
    held
    log=example.audit.jsonl
    cp $log whole.jsonl
    lines=$(wc -l <$log)
    # A line in which one letter is another one; one that is gone; two that changed places.
    sed '30s/Custodian/Kustodian/' whole.jsonl >$log
    cmp -s $log whole.jsonl && sed '29s/Custodian/Kustodian/' whole.jsonl >$log
    cmp -s $log whole.jsonl && fail 'no line of a custodian'
    found "$log:"
    sed 20d whole.jsonl >$log
    found "$log:20:"
    sed '20{h;d}; 21{G}' whole.jsonl >$log
    found "$log:20:"
    # Its head is gone.
    sed 1d whole.jsonl >$log
    found "$log:1:"
    # The last line is cut in the middle.
    head -c $(($(wc -c <whole.jsonl) - 40)) whole.jsonl >$log
    found "$log:$lines:"
    # The end is gone, closing and all: the chain itself is whole, but the token knows better.
    sed "$((lines - 3)),\$d" whole.jsonl >$log
    expect 0 "$cardkeys" audit verify plan.yaml
    tells 'not compared with a token'
    found "$log" --token
    # Nor does anybody go on with such a log, or with none: the next closing would hide what is missing.
    for cut in yes no; do
        [ $cut = yes ] || rm $log
        expect 5 people : "$cardkeys" run plan.yaml
        relates "the token keeps that a ceremony closed its log at line $lines"
        relates 'it ends before that. Bring the whole log back'
    done
    the_scheme_is_refused
    # One that begins anew and is long enough is another one.
    sed "s/Custodian 1/Custodian 9/" whole.jsonl >$log
    expect 5 people : "$cardkeys" run plan.yaml
    cp whole.jsonl $log
    as_far_as_planned
    to_the_end
}

# The scheme's answer is written into the log, too.
the_scheme_is_refused()
{
    expect 0 "$scheme_ca" key scheme.pem scheme-key.yaml --bits 1984 --expiry 1235
    expect 0 "$scheme_ca" sign scheme.pem issuer-certificate.request.yaml answer
    expect 5 people : "$cardkeys" certificate import plan.yaml answer --ca scheme-key.yaml
    [ ! -e issuer-certificate.yaml ] || fail 'it is stored'
}

# It is lost for ever: two officers say so, and the new log tells.
log_that_is_lost()
{
    held
    rm example.audit.jsonl
    expect 5 people : "$cardkeys" run plan.yaml
    relates 'two officers can go on: --log-is-lost'
    expect 4 people --always 'Second officer, type your name' 'officer 1' : "$cardkeys" run --log-is-lost plan.yaml
    expect 5 people : "$cardkeys" run plan.yaml
    expect 0 people : "$cardkeys" run --log-is-lost plan.yaml
    relates 'Two officers together: go on without the audit log that was closed at line'
    tells_of log-lost 'given up by Officer 1 and Officer 2'
    # From now on the token keeps the end of this log.
    expect 0 people : "$cardkeys" run plan.yaml
    expect 0 people : "$cardkeys" audit verify --token plan.yaml
}

begin ceremony_life softhsm
shows 'a limit is raised by two officers' limit_is_raised_by_two
shows 'a plan whose file changes meanwhile' plan_that_changes_meanwhile
shows 'a version follows another' version_follows_version
shows 'a key is destroyed by two officers' key_is_destroyed_by_two
shows 'a log that was changed, reordered or cut' log_that_was_changed
shows 'a log that is lost, given up by two officers' log_that_is_lost
finish
