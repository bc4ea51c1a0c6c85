#!/bin/sh
# What goes wrong at a ceremony: slips of the fingers, people who leave, keys pressed in the middle, a program that is killed. Each
# time the ceremony goes on to its end afterwards, nothing half-made is left, the log is whole, and the terminal is as before (that
# last one ceremony.exp looks at itself).
# shellcheck source=tests/e2e/ceremony_lib.sh
. "$(dirname "$0")/ceremony_lib.sh"

# The end: everything is right but for the scheme's answer, and nothing else is there.
on_to_the_end()
{
    to_the_end
    as_far_as_planned
    expect 0 people : "$cardkeys" audit verify --token plan.yaml
    relates '0 lines behind the last verified one; its end is as the token keeps it'
    rights
    # 12 keys, three of them also at the bureau: the log knows each copy, also of those whose making was cut short.
    keys=$(sed -n 's/.*"event":"key","key":"\([^"]*\)".*"token":"\([^"]*\)".*/\1 \2/p' example.audit.jsonl | sort -u | wc -l)
    [ "$keys" -eq 15 ] || fail "the log tells of $keys keys"
}

# What a ceremony writes is its owner's alone.
rights()
{
    find . -path ./tokens -prune -o -type f -newer softhsm2.conf ! -name out ! -name err ! -name whole ! -name telephone ! -name plan.yaml ! -name '*.lock' -print |
        while read -r file; do
            case $(stat -c %a "$file") in 600) ;; *) fail "$file: $(stat -c %a "$file")" ;; esac
        done
}

log_is_whole()
{
    "$cardkeys" audit verify plan.yaml >whole 2>&1 || fail "the log: $(cat whole)"
}

# Slips that are put right at once: nobody has to begin anew.
slips()
{
    hold hall
    expect 0 people --wrong 'step 1: Officer 2, your half (2 of 2) of the user PIN' 99999 \
        --wrong 'step 3: Officer 1, your half (1 of 2)' 11111 \
        --wrong 'Try this step again' yes --wrong "Type the 16 words (or 32 digits) of 'job-signing'" 'these are no words' \
        --wrong 'step 17: Custodian 1, type your name' 'Custodian 2' \
        --wrong 'step 17: KML/1 component 1: digits 1 to 16' 0123456789ABCDE \
        --wrong 'step 17: KML/1 component 1: digits 17 to 32' 'FEDC BA98 7654 321G' \
        --wrong 'step 17: Is that the one on your form' no \
        --wrong 'step 17: KML/1 component 2: digits 1 to 16' '' \
        --wrong 'step 17: KML/1 component 2: digits 17 to 32' 'FEDC BA98 7654 3210 00' \
        --wrong 'step 17: Officer 1: write it onto the form' 123456 \
        --wrong 'step 18: KMU/1 component 1: digits 1 to 16' 'a0b1-c2d3-e4f5-0617' \
        --wrong 'step 18: Press Enter' 'what?' \
        --wrong 'Is everybody here' 'certainly' \
        : "$cardkeys" run plan.yaml
    relates 'Please type the whole word, yes or no.'
    relates 'The two entries differ. From the beginning, please.'
    relates 'CKR_PIN_INCORRECT'
    relates 'That is not what is due here; please look again.'
    relates 'The line has 15 hex digits, not 16. This line once more.'
    relates 'The line has a character that is no hex digit. This line once more.'
    relates "Not taken: its check value is not that of the custodian's form. This component once more, from its first digit."
    relates 'The line has 0 hex digits, not 16. This line once more.'
    relates 'The line has 18 hex digits, not 16. This line once more.'
    relates '25 made, 0 already there, 1 waiting'
    on_to_the_end
    expect 0 people : "$cardkeys" kcv plan.yaml KML
    relates "issuer	B0E088" # by openssl enc -des-ede3: C1 xor C2 over eight zero bytes
}

# ends STATUS ACTION…: a sitting that ends early, with this status. The log is whole, and the terminal as it was.
ends()
{
    due_here=$1
    shift
    expect "$due_here" people "$@" : "$cardkeys" run plan.yaml
    [ ! -e example.audit.jsonl ] || log_is_whole
}

# Every step is left once, before it is begun. What is done stays done, and nothing is asked twice but PINs.
left_before_each_step()
{
    hold hall
    for step in $steps; do
        status=0
        people --leave "$step" : "$cardkeys" run plan.yaml >out 2>err || status=$?
        # A step that was done already is not asked about.
        case $status in
        130) relates "before step $step (" && relates 'left at the word of those present' && relates 'What was made stays. To go on: cardkeys run plan.yaml' ;;
        0) grep -q "^ *$step/28 .*\(already\|ready\)" out || relates 'already there' ;;
        *) fail "step $step: exit status $status: $(cat out err)" ;;
        esac
    done
    on_to_the_end
    grep -q '"outcome":"left"' example.audit.jsonl || fail 'the log does not tell that somebody left'
}

# From the step at which components are typed on; the hall where everything before is done.
at_the_components()
{
    if [ ! -e "$folder/components" ]; then
        (
            hold "$folder/components"
            ends 130 --leave 17
        )
    fi
    taken_from "$folder/components"
}

# interrupted STATUS ACTION: at each place where something is typed.
interrupted()
{
    at_the_components
    for question in 'step 3: Officer 1, your half (1 of 2)' 'step 3: Officer 2, your half (2 of 2)' 'step 17: Press Enter' \
        'step 17: Custodian 1, type your name' 'KML/1 component 1: digits 1 to 16' 'KML/1 component 1: digits 17 to 32' \
        'step 17: Is that the one on your form' 'KML/1 component 2: digits 17 to 32' 'step 17: Officer 1: write it onto the form' \
        'Is everybody here'; do
        ends 130 "$2" "$question"
        relates interrupted
    done
    on_to_the_end
}

interrupted_by_the_key()
{
    interrupted 130 --interrupt
}

interrupted_by_a_signal()
{
    interrupted 130 --terminate
}

# Killed where it says what comes, and in the middle of what is typed hidden. Then on, without looking at what was there.
killed_at_each_question()
{
    hold hall
    ends 137 --kill 'Is everybody here'
    ends 137 --kill 'half (1 of 2) of the security officer'
    ends 137 --kill 'half (2 of 2) of the user PIN'
    for step in $steps; do
        status=0
        people --kill "step $step: Press Enter" : "$cardkeys" run plan.yaml >out 2>err || status=$?
        case $status in 137 | 93) ;; *) fail "step $step: exit status $status: $(cat out err)" ;; esac
        log_is_whole
        if [ "$step" -eq 17 ]; then
            ends 137 --kill 'KML/1 component 1: digits 1 to 16'
            ends 137 --kill 'KML/1 component 2: digits 17 to 32'
            ends 137 --kill 'step 17: Is that the one on your form'
            ends 137 --kill 'step 17: Officer 1: write it onto the form'
        fi
    done
    on_to_the_end
}

# killed_at_call FOLDER N: the program is killed between two calls to the token, at its Nth one, and the ceremony goes on.
killed_at_call()
{
    rm -rf hall
    taken_from "$1"
    status=0
    P11PROXY_KILL="*:$2" people : "$cardkeys" run plan.yaml >out 2>err || status=$?
    # A run may need some calls less than the one that was counted.
    case $status in 137 | 0) ;; *) fail "call $2: exit status $status: $(tail -n 5 out err)" ;; esac
    log_is_whole
    on_to_the_end
    cd ..
}

killed_at_any_call()
{
    export P11PROXY_MODULE="$module"
    (
        hold before "s|$module|$proxy|"
        P11PROXY_LOG="$PWD/../calls" people : "$cardkeys" run plan.yaml >out 2>err
    )
    calls=$(wc -l <calls)
    rm -rf before
    (hold before "s|$module|$proxy|")
    at=1
    while [ "$at" -le "$calls" ]; do
        echo "call $at of $calls"
        killed_at_call "$PWD/before" "$at"
        at=$((at + $1))
    done
}

killed_at_many_calls()
{
    killed_at_any_call 61
}

killed_at_some_calls()
{
    killed_at_any_call 331
}

# A custodian had component 1; in another sitting the plan gives the same person component 2.
nobody_has_two_components()
{
    at_the_components
    ends 130 --interrupt 'KML/1 component 2: digits 1 to 16'
    grep -q '"component":1,"of":2,"custodian":"Custodian 1"' example.audit.jsonl || fail 'component 1 is not written down'
    cp plan.yaml plan.kept
    for spelling in 'Custodian 1' 'CUSTODIAN 1' 'custodian 1'; do
        sed "/name: KML/,/name: KMU/{
                s/custodian: Custodian 1,/custodian: Custodian 3,/; s/custodian: Custodian 2,/custodian: $spelling,/
            }; s/^\( *- {name: \)Custodian 1, .*/&\n\1Custodian 3, duty: custodian}/; s/name: Custodian 1,/name: $spelling,/
            /name: KMU/,\$s/custodian: Custodian 1,/custodian: $spelling,/" plan.kept >plan.yaml
        ends 2
        relates "$spelling had component 1 of key KML/1 already (line"
        relates 'and nobody may have two'
        expect 0 people : "$cardkeys" kcv plan.yaml KML
        tells '-'
    done
    mv plan.kept plan.yaml
    on_to_the_end
}

# Commands that only look ask once for a PIN of each token, and whoever is asked can leave.
looking_asks_once()
{
    at_the_components
    for command in check verify; do
        expect 3 people --wrong 'Officer 1, your half (1 of 2) of the user PIN' 99999 : "$cardkeys" $command plan.yaml
        relates CKR_PIN_INCORRECT
        relates 'step 5 (key job-signing on issuer)'
        relates 'it was not opened, see above'
        tells 'key return-signing on bureau'
        expect 130 people --interrupt 'Officer 2, your half (2 of 2) of the user PIN' : "$cardkeys" $command plan.yaml
    done
}

begin "ceremony_aborts${1:+_$1}" softhsm
if [ "${1:-}" = quick ]; then
    steps='2 9 14 17 24 28'
    shows 'slips are put right at once' slips
    shows 'Ctrl-C wherever something is typed' interrupted_by_the_key
    shows 'killed where something is typed' killed_at_each_question
    shows 'killed between two calls to the token' killed_at_some_calls
    shows 'nobody has two components of a key, across sittings' nobody_has_two_components
    shows 'what only looks asks once for a PIN' looking_asks_once
    finish
    exit
fi
steps=$(seq 1 28)
shows 'left before each step' left_before_each_step
shows 'SIGTERM wherever something is typed' interrupted_by_a_signal
shows 'killed at each step' killed_at_each_question
shows 'killed between any two calls to the token' killed_at_many_calls
finish
