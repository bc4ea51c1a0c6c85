# awk -f judge.awk EXPECTED ROWS: the table of attacks, and whether each went as expected.
#
# EXPECTED has what gets through, one line each: where | attack | keys | what | remark. Keys are separated by blanks; a * at
# either end stands for anything, a * alone as what for whatever it is. What is not listed must be refused, and every line must be needed.
# ROWS, with tabs: where, attack, key, "refused" or "through: what", return values of what was refused.
function fits(keys, key,    list, n, i, stem)
{
    n = split(keys, list, " ")
    for (i = 1; i <= n; i++) {
        if (list[i] == key) return 1
        stem = substr(list[i], 1, length(list[i]) - 1)
        if (list[i] == stem "*" && index(key, stem) == 1) return 1
        if (list[i] ~ /^\*/ && substr(key, length(key) - length(list[i]) + 2) == substr(list[i], 2)) return 1
    }
    return 0
}

FNR == NR {
    if ($0 ~ /^(#|$)/) next
    n = split($0, part, / *\| */)
    if (n != 5) { print "NOT OK  not five columns: " $0; bad = 1; next }
    rules++
    where[rules] = part[1]; attack[rules] = part[2]; keys[rules] = part[3]; what[rules] = part[4]; remark[rules] = part[5]
    next
}

{
    split($0, row, "\t")
    due = "refused"; why = ""
    for (r = 1; r <= rules; r++) {
        if (where[r] != row[1] || attack[r] != row[2] || !fits(keys[r], row[3])) continue
        due = "through: " what[r]
        why = " (" remark[r] ")"
        used[r] = 1
        break
    }
    gsub(/ x [0-9]+/, "", row[5])
    is = row[4] (row[5] == "" ? "" : (row[4] == "refused" ? ": " : "; the rest refused: ") row[5])
    ok = row[4] == due || (due == "through: *" && row[4] != "refused")
    if (!ok) bad = 1
    tries++
    line = row[2] SUBSEP row[1] SUBSEP is SUBSEP due why SUBSEP ok
    if (!(line in members)) order[++lines] = line
    members[line] = members[line] (members[line] == "" ? "" : ", ") row[3]
}

END {
    print "attack | keys | outcome | expected"
    for (i = 1; i <= lines; i++) {
        split(order[i], c, SUBSEP)
        print (c[5] ? "" : "NOT OK  ") c[1] " | " c[2] ": " members[order[i]] " | " c[3] " | " c[4]
    }
    for (r = 1; r <= rules; r++) {
        if (!used[r]) { print "NOT OK  expected, but nobody tried: " where[r] " | " attack[r] " | " keys[r]; bad = 1 }
    }
    print tries " attacks on keys in " lines " lines"
    exit bad
}
