# Prints the names of a page's blocks of commands, in order. A block of sh that nobody would run is a mistake.
/^<!-- checked: .* -->$/ { name = $3; next }
/^```/ {
    if (!inside && $0 == "```sh") {
        if (name == "") {
            print FILENAME ":" FNR ": a block of sh without <!-- checked: NAME --> above it" >"/dev/stderr"
            exit 1
        }
        if (name in seen) {
            print FILENAME ":" FNR ": a second block of the name " name >"/dev/stderr"
            exit 1
        }
        seen[name] = 1
        print name
    }
    inside = !inside
    name = ""
}
!inside && NF { if ($0 !~ /^```/) name = "" }
