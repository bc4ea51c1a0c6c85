#!/bin/sh
# Cards that fail at any command: pulled out before it or after it, mute, without power, or refusing. The journal says of each what is true,
# and a redo finishes what was begun on the card that it is on. `pull@N` and the like are softcard's (docs/formats/softcard.md).
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd "bureau_faults${1:+_$1}" "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

# said_of NUMBER: the state in which the journal has this card; "" if it holds nothing.
said_of()
{
    grep " $(serial_of "$1")\$" told | cut -d ' ' -f 2
}

# numbers_in STATE: the cards in this state.
numbers_in()
{
    sed -n "s/^[0-9]* $1 00004000010*//p" told
}

# failed_with FAILURE…: the card of each failure, in the order of fail_each, is in the journal as it must be. A card whose last answer was
# lost is half done if it has anything, and else untouched.
failed_with()
{
    number=0
    for failure in "$@"; do
        number=$((number + 1))
        case $failure-$(card_holds c$number)-$(said_of $number) in
        pull-after@*-blank- | pull-after@*-begun-half-done | pull-after@*-done-half-done) ;;
        pull-after@*) fail "$failure: card $number holds $(card_holds c$number), and the journal says '$(said_of $number)'" ;;
        esac
    done
}

# fail_each FAILURE…: one card for each, a record for each card. What was begun is on its card, and is finished there.
fail_each()
{
    count=$#
    fed=
    for number in $(seq $count); do
        blank "$number" 2
        fed="$fed $number:$1"
        set -- "$@" "$1"
        shift
    done
    in_both_readers personalize "$fed" --failures "$count"
    case $status in 4 | 5 | 6) ;; *) fail "exit status $status: $(cat err)" ;; esac
    says "$count cards in a row were not made"
    journal_is_true
    failed_with "$@"
}

# finish_all N: half-done cards first, each for its own record, then the others.
finish_all()
{
    half_done=$(numbers_in half-done)
    # shellcheck disable=SC2086 # one card a word
    set -- "$1" $half_done
    if [ $# -gt 1 ]; then
        in_both_readers redo "$half_done" --count $(($# - 1))
        [ "$status" -eq 0 ] || fail "redo: exit status $status: $(cat err)"
    fi
    journal_is_true
    untouched=
    for number in $(seq "$1"); do [ -n "$(said_of "$number")" ] || untouched="$untouched $number"; done
    if [ -n "$untouched" ]; then
        in_both_readers personalize "$untouched" --retries 1
        [ "$status" -eq 0 ] || fail "personalize: exit status $status: $(cat err)"
    fi
    all_made "$1"
    for record in $(seq "$1"); do read_back "$record"; done
}

# each FAILURE…
each()
{
    ordered $# "$only_purse"
    fail_each "$@"
    finish_all $#
}

# A few of each, for every build.
a_selection()
{
    each pull@2 pull@7 pull@12 pull@18 pull-after@5 pull-after@10 pull-after@16 pull-after@23 \
        mute@16 powerloss@14 wrong-cryptogram sw:6982@16
}

# A card that does not fail: how many commands it takes is left for the cases behind this one.
one_that_does_not_fail()
{
    ordered 1 "$only_purse"
    blank 1 2
    bureau_with 0 personalize 1
    all_made 1
    sed -n 's/.*"outcome":"made".*"commands":\([0-9]*\),.*/\1/p' demo-books.sqlite.*.journal >../commands
    [ "$(cat ../commands)" -gt 20 ] || fail "a card takes $(cat ../commands) commands"
}

# at_each KIND FROM: a card for each command from this one on that fails so. They are in `failures`.
at_each()
{
    failures=
    for number in $(seq "$2" "$(cat ../commands)"); do failures="$failures $1@$number"; done
    # shellcheck disable=SC2086 # one failure a word
    set -- $failures
    ordered $# "$only_purse"
    fail_each "$@"
}

# judged FIRST FAILURE…: cards that failed at command FIRST or later are half done, and the others untouched.
judged()
{
    first=$1
    shift
    number=0
    for failure in "$@"; do
        number=$((number + 1))
        due=
        [ "${failure##*@}" -lt "$first" ] || due='half-done'
        [ "$(said_of $number)" = "$due" ] || fail "$failure: '$(said_of $number)' instead of '$due'"
    done
    finish_all $#
}

# Which command is the first that changes a card is left for the cases behind: the first whose lost answer leaves something on it.
the_answer_is_lost()
{
    at_each pull-after 1
    for number in $(seq "$(cat ../commands)"); do
        [ "$(card_holds "c$number")" = blank ] || break
    done
    echo "$number" >../first
    [ "$(card_holds "c$(cat ../commands)")" = 'done' ] || fail 'the last command is not the last'
    # shellcheck disable=SC2086
    judged "$number" $failures
}

# One that did not get the command: nobody can know that.
the_command_is_lost()
{
    at_each "$1" 1
    # shellcheck disable=SC2086
    judged "$(cat ../first)" $failures
}

pulled_before()
{
    the_command_is_lost pull
}

mute()
{
    the_command_is_lost mute
}

# While the card writes; a command that writes nothing is carried out.
without_power()
{
    the_command_is_lost powerloss
}

# A command that is refused changes nothing. Before the third the card has not said who it is.
refusing()
{
    at_each sw:6982 3
    # shellcheck disable=SC2086
    judged $(($(cat ../first) + 1)) $failures
}

begin "bureau_faults${1:+_$1}" softhsm
if [ "${1:-}" = quick ]; then
    shows 'cards pulled out, mute, without power or refusing are finished on themselves' a_selection
    finish
    exit
fi
shows 'a card takes so many commands' one_that_does_not_fail
shows 'the answer to each command is lost' the_answer_is_lost
shows 'pulled out before each command' pulled_before
shows 'mute at each command' mute
shows 'without power at each command' without_power
shows 'refusing each command' refusing
finish
