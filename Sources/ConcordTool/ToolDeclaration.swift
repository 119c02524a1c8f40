package import ConcordCommandLine

/// The command line of `concord`.
package enum ToolDeclaration {
    static let endpoints = Flag(
        "endpoints", short: "e", environment: "CONCORD_ENDPOINTS", .list(of: .url),
        default: "http://127.0.0.1:7400,http://127.0.0.1:7410,http://127.0.0.1:7420",
        help: "Members to ask, in this order; when one does not answer the next is asked.")
    static let timeout = OptionalFlag(
        "timeout", environment: "CONCORD_TIMEOUT", .duration(in: .milliseconds(1)...(.seconds(60))),
        help: "How long one request is tried at all members together; 10s by default, 60s for import and export.")
    static let json = Switch("json", help: "Print JSON, one document.")

    static let path = Argument("PATH", .text.named("PATH"), help: "The node: /a/b, or / for the root.")
    static let value = OptionalArgument(
        "VALUE", .anyText,
        help: "The value; '-' reads it from standard input, '@FILE' from a file. Without it the node has no value.")
    static let rootedPath = OptionalArgument("PATH", .text, help: "The node to begin at; / by default.")
    static let directory = Argument("DIR", .path("DIR"), help: "A directory of files.")

    static let raw = Switch("raw", short: "r", help: "Write the bytes of the value and nothing else.")
    static let showRevision = Switch("revision", help: "Print the node's revision instead of its value.")
    static let at = OptionalFlag(
        "at", .integer(in: 1...Int.max, "REVISION"), help: "Read as it was at this revision.")
    static let local = Switch("local", help: "Read the asked member's own state, which may be old.")
    static let ifMatch = OptionalFlag(
        "if-match", .list(of: .integer(in: 0...Int.max, "REVISION")),
        help: "Only if the node was last changed at one of these revisions.")
    static let create = Switch("create", help: "Only if there is no node yet.")
    static let parents = Switch("parents", short: "p", help: "Make missing parents, as nodes without a value.")
    static let recursive = Switch("recursive", short: "r", help: "Also everything below, in one revision.")
    static let long = Switch("long", short: "l", help: "With revision, version, kind and number of children.")
    static let inFlight = Flag(
        "in-flight", short: "n", .integer(in: 1...1000), default: "32", help: "Requests under way at the same time.")
    static let progress = Flag(
        "progress", .choice(of: ["auto", "line", "lines", "none"]), default: "auto",
        help: "Show on standard error how many files were acknowledged: in one line that changes, in lines of their "
            + "own ('imported 500'), or not at all; auto is one line on a terminal.")
    static let progressEvery = Flag(
        "progress-every", .integer(in: 1...Int.max), default: "100", help: "With --progress lines: files a line.")

    static let memberID = Argument("ID", .text.named("ID"), help: "The new member's id, as its log says it.")
    static let memberName = Argument("NAME", .text.named("NAME"), help: "The new member's name.")
    static let peer = Argument("PEER", .hostPort(), help: "Where the other members reach its peer port.")
    static let memberToRemove = Argument(
        "MEMBER", .text.named("MEMBER"), help: "Its id, or its name if no other member has it.")
    static let wait = Switch(
        "wait", short: "w",
        help: "Wait until the change is done, and show what it waits for; fail when it was cancelled.")

    /// The program and its commands.
    package static let program = CommandDeclaration(
        "concord",
        summary: "Reads and changes the tree of a Concord cluster.",
        discussion: """
            Exit codes: 0 done; 1 it failed; 2 the command line is wrong; 3 done but for what was named on standard \
            error. A write that is retried takes effect once.
            """,
        version: "0.1.0",
        flags: [endpoints, timeout, json],
        examples: [
            .init("put /greeting hello", "Write a value"),
            .init("get /greeting", "Read it"),
            .init("--endpoints http://10.0.0.1:7400,http://10.0.0.2:7400 status", "Ask the members of a cluster"),
        ],
        subcommands: [get, put, remove, list, tree, status, member, leader, snapshot, importFiles, exportFiles])

    private static let get = CommandDeclaration(
        "get", summary: "Prints the value of a node.",
        discussion: "A text gets a line end if it has none. The read reflects every write acknowledged before it.",
        arguments: [path], flags: [raw, showRevision, at, local],
        examples: [
            .init("get /config/db", "Print a value"),
            .init("get /config/db --raw > db.conf", "Save it byte for byte"),
            .init("get /config/db --revision", "Print its revision, for --if-match"),
            .init("get /config/db --at 41 --json", "Print the whole node as it was at revision 41"),
        ])

    private static let put = CommandDeclaration(
        "put", summary: "Creates a node or replaces its value.",
        arguments: [path, value], flags: [ifMatch, create, parents],
        examples: [
            .init("put /config/db host=a", "Write a text"),
            .init("put /config/db @db.conf --parents", "Write a file, and make /config if it is missing"),
            .init("put /config/db - < db.conf", "Write what comes from standard input"),
            .init("put /leader me --create", "Only if nobody was there before"),
            .init("put /config/db host=b --if-match 42", "Only if nobody changed it since revision 42"),
        ])

    private static let remove = CommandDeclaration(
        "rm", summary: "Deletes a node.",
        arguments: [path], flags: [recursive, ifMatch],
        examples: [
            .init("rm /config/db", "Delete a node that has no children"),
            .init("rm -r /config", "Delete a node and everything below it"),
        ])

    private static let list = CommandDeclaration(
        "ls", summary: "Lists the children of a node.",
        arguments: [rootedPath], flags: [long, at, local],
        examples: [
            .init("ls", "List the children of the root"),
            .init("ls -l /config", "List with revisions"),
        ])

    private static let tree = CommandDeclaration(
        "tree", summary: "Shows a node and everything below it.",
        arguments: [rootedPath], flags: [at, local],
        examples: [.init("tree /config", "Show a subtree"), .init("tree --json", "Show everything, as JSON")])

    private static let status = CommandDeclaration(
        "status", summary: "Shows the members, who leads, and how far each of them is.",
        discussion: "Without a leader it shows what each member says of itself, and fails.",
        examples: [.init("status", "Show the cluster"), .init("status --json", "The same for a program")])

    private static let member = CommandDeclaration(
        "member", summary: "Shows and changes who belongs to the cluster.",
        discussion: """
            A change is one step: new members first catch up without being counted, then old and new members agree \
            on the change together. One change is under way at a time, and it can be cancelled until that agreement \
            has begun. The usual way to add a member is to start it: concordd serve --name d --join URL.
            """,
        examples: [
            .init("member list", "Show the members and the change under way"),
            .init("member remove c --wait", "Remove a member, and wait until that is done"),
        ],
        subcommands: [
            CommandDeclaration(
                "list", summary: "Shows the members and the change under way.",
                examples: [.init("member list --json", "The same for a program")]),
            CommandDeclaration(
                "add", summary: "Adds a member that runs and waits to be taken in.",
                arguments: [memberID, memberName, peer], flags: [wait],
                examples: [
                    .init(
                        "member add 0f1e2d3c4b5a69788796a5b4c3d2e1f0 d 10.0.0.4:7401 --wait",
                        "Add a member by hand that 'concordd serve --join' has not asked for")
                ]),
            CommandDeclaration(
                "remove", summary: "Removes a member; its id is never used again.",
                arguments: [memberToRemove], flags: [wait],
                examples: [.init("member remove c", "By name"), .init("member remove c -w", "And wait for its end")]),
            CommandDeclaration(
                "cancel", summary: "Takes the change under way back.", flags: [wait],
                examples: [.init("member cancel", "As long as new members still catch up")]),
        ])

    private static let importFiles = CommandDeclaration(
        "import", summary: "Writes the files of a directory as nodes below a path.",
        discussion: """
            A file becomes a node with its bytes, a directory a node without a value. Symbolic links are followed; a \
            link back to a directory that it lies in is refused. What cannot be written (a name that is no component \
            of a path, a value beyond the limit, a file that cannot be read) is named and skipped, and the exit code \
            is 3. When a member dies the import goes on at another; a file is written once.
            """,
        arguments: [directory, path], flags: [inFlight, progress, progressEvery],
        examples: [
            .init("import ./config /config", "Write a directory"),
            .init("import /usr/share/zoneinfo /zones --in-flight 64", "With 64 requests under way"),
            .init("import ./config /config --progress lines --progress-every 500", "For a script that watches"),
        ])

    private static let exportFiles = CommandDeclaration(
        "export", summary: "Writes the nodes below a path as files into a directory.",
        discussion: """
            All files show one revision. A node without a value becomes a directory. A node NAME that has a value and \
            children becomes a directory NAME and beside it a file NAME.value; the value of PATH itself goes to \
            DIR/.value. A node that cannot become a file is named and skipped, and the exit code is 3. DIR is made; \
            if it exists it must be empty. Each file appears whole or not at all.
            """,
        arguments: [path, directory], flags: [inFlight, progress, progressEvery],
        examples: [.init("export /config ./copy", "Write a subtree to files")])
}
