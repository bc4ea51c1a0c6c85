#!/bin/sh
# What is agreed on between bureau and card beyond the plain way (personalize.sh): commands of extended length, padding of key pairs, what a
# card tells of itself when it is repeated; and groups of other machines that are handed over again.
# Exit status 77: pcscd, vpcd, opensc-tool or namespaces are not to be had here.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/cards_lib.sh
. "$(dirname "$0")/cards_lib.sh"

own_pcscd card_talk "$@"
# shellcheck source=tests/e2e/bureau_lib.sh
. "$(dirname "$0")/bureau_lib.sh"

# commands_of CARD: how many its last attempt took.
commands_of()
{
    grep -h '"event":"card-outcome"' demo-books.sqlite.*.journal | grep "\"card\":\"$(serial_of "$1")\"" | tail -n 1 |
        sed 's/.*"commands":\([0-9]*\).*/\1/'
}

# script NAME OPTION…: the commands for record 1, by the card's answers in `known`; gives the longest one's length in bytes.
script()
{
    name=$1
    shift
    expect 0 "$cardbureau" script demo.mic --settings bureau.yaml --record 1 --challenge 0102030405060708 --answers known \
        --output "$name" "$@"
    grep -v '^#' "$name" | awk '{ if (length($0) > n) n = length($0) } END { print n / 2 }'
}

# The same record onto a card that takes extended lengths, one that does not, and one to which the settings give no more than 400 bytes: the
# first needs fewer commands, all hold the same. A key pair whose parts fit the block is padded by none.
lengths_and_padding()
{
    ordered 4
    blank 1 2 --scp 03 --i 70 --extended
    blank 2 2 --scp 03 --i 70
    blank 3 2 --scp 03 --i 00 --extended
    blank 4 2 --scp 03 --i 70 --extended
    bureau_with 0 personalize '1 2' --count 2
    echo 'command_data_max: 400' >>bureau.yaml
    bureau_with 0 personalize 3 --count 1
    printf 'command_data_max: 255\ncrt_padding: when-needed\n' >settings
    change bureau.yaml '/^command_data_max:/d'
    cat settings >>bureau.yaml
    bureau_with 0 personalize 4 --count 1
    state_is 2 made 2
    for record in 1 3 4; do
        state_is $record made $record
        read_back $record
    done
    [ "$(commands_of 1)" -lt "$(commands_of 2)" ] || fail "extended: $(commands_of 1) commands, short: $(commands_of 2)"
    [ "$(commands_of 3)" -lt "$(commands_of 2)" ] || fail "up to 400 bytes: $(commands_of 3) commands"
    [ "$(commands_of 4)" = "$(commands_of 2)" ] || fail "255 bytes: $(commands_of 4) commands"
}

# On paper it is said, as there is no ATR. The short commands are played to the card by whose answers they were made; opensc-tool sends no
# others.
on_paper()
{
    ordered 1
    printf 'applications:\n' >>bureau.yaml
    for aid in $purse $payment $loyalty; do
        printf '  - {aid: %s, load: install-for-personalization}\n' "$aid" >>bureau.yaml
    done
    blank 1 2 --scp 03 --i 10
    insert c1 0
    talk 0 00A4040000 8050000008010203040506070800
    cp answers known
    script commands >longest
    # shellcheck disable=SC2046 # a command a word
    talk 0 $(grep -v '^#' commands) "00A4040007${payment}00" 80A8000002830000
    remove 0
    last_is '77.*9000'
    if grep -v '9000$' answers; then fail 'the card has refused a command'; fi
    [ "$(cat longest)" -le 260 ] || fail "a short command of $(cat longest) bytes"
    script extended --extended >longest
    [ "$(cat longest)" -gt 262 ] || fail "no extended command: $(cat longest) bytes"
    expect 2 "$softcard" --new --state c3 --serial 00000003 --t0 --extended
    says 'T=0 carries no commands of extended length'
}

# What is finished is left out when the card says so: of a card whose last answer was lost nothing is left to be sent but the questions.
told_by_the_card()
{
    ordered 1
    for number in 1 2; do blank $number 2; done
    # How many commands it takes, with books of their own.
    cp bureau.yaml kept
    change bureau.yaml 's/^books: .*/books: trial.sqlite/'
    bureau 0 check
    feed 0 2 &
    bureau 0 personalize
    all=$(sed -n 's/.*"event":"card-outcome".*"commands":\([0-9]*\).*/\1/p' trial.sqlite.*.journal)
    touch run-is-over
    wait $! || fail 'cards were not fed'
    mv kept bureau.yaml
    bureau_with 4 personalize "1:pull-after@$all"
    state_is 1 half-done 1
    bureau_with 0 redo 1
    state_is 1 made 1
    # SELECT, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, and GET STATUS twice.
    [ "$(commands_of 1)" -eq 5 ] || fail "first $all, again $(commands_of 1) commands"
    read_back 1
}

# The embosser fails at two records; the redo is interrupted between them; at the third record the program is killed while the embosser works.
modules_again()
{
    ordered 3
    for number in 1 2 3; do blank $number 2; done
    cat >emboss <<'END'
#!/bin/sh
if [ -e empty ]; then
    echo 'tray empty' >&2
    exit 1
fi
[ ! -e interrupts ] || kill -INT $PPID
[ ! -e kills ] || kill -9 "$(sed -n 's/^PPid:[^0-9]*//p' /proc/$PPID/status)"
cat >"embossed-$CARDBUREAU_RECORD"
END
    chmod +x emboss
    printf 'modules:\n  - {mic: EMBOSS, command: [%s/emboss]}\n' "$PWD" >>bureau.yaml
    touch empty
    bureau_with 4 personalize '1 2' --count 2
    result_is '2 cards made; 0 half-done, 0 spoiled, 0 left as they were; 2 modules failed, 0 repeated'
    says 'record 2: made: module EMBOSS: '
    says 'tray empty'
    # No reader of that name is there, and none is needed while no card is to be made.
    bureau 4 redo --reader nobody
    tells '0 cards made; 0 half-done, 0 spoiled, 0 left as they were; 2 modules failed, 0 repeated'
    rm empty
    touch interrupts
    bureau 130 redo --reader nobody
    tells '0 modules failed, 1 repeated'
    says 'interrupted after 0 cards; go on with: cardbureau redo'
    rm interrupts
    bureau 0 redo --reader nobody --json
    tells '"modules_failed":0,"modules_repeated":1'
    grep -q '|' embossed-2 || fail "the embosser got $(cat embossed-2)"
    touch kills
    bureau_with 137 personalize 3
    state_is 3 made 3
    bureau 0 status
    tells 'record 3: made'
    rm kills embossed-*
    bureau 0 redo --reader nobody
    tells '0 modules failed, 1 repeated'
    [ "$(echo embossed-*)" = embossed-3 ] || fail "embossed again: $(echo embossed-*)"
    bureau 4 redo --reader nobody
    says 'personalized before'
    [ "$(grep -c '"event":"card-begun"' demo-books.sqlite.*.journal)" -eq 3 ] || fail 'a chip was touched'
}

begin card_talk softhsm
shows 'extended length and padding, as cards and settings want them' lengths_and_padding
shows 'commands on paper, short and of extended length' on_paper
shows 'a card that is finished says so' told_by_the_card
shows 'what a module has not taken is handed over again' modules_again
finish
