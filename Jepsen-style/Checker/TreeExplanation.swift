/// Says in words how an answer differs from the tree, and finds the operations that made the tree so.
extension ReplayTree {
    func explain(_ contradiction: TreeContradiction, _ action: TreeAction) -> Contradiction {
        Contradiction(expectation: expectation(contradiction, action), authors: authors(contradiction, action))
    }

    private func expectation(_ contradiction: TreeContradiction, _ action: TreeAction) -> String {
        switch contradiction {
        case .refusal(.none): "nothing stood against it"
        case .refusal(let code?): "it should have been refused as \(code.rawValue)"
        case .value(let value): "the value was \(value.map { "\"\($0.text)\"" } ?? "null")"
        case .version(let version): "the version was \(version)"
        case .created(let revision): "the node was created at revision \(revision)"
        case .modified(let revision): "the node was last modified at revision \(revision)"
        case .childRevision(let revision): "a child last came or went at revision \(revision)"
        case .children(let count): "the node had \(count) children"
        case .number(let number): "the number was \(number)"
        case .path(let path): "the next name was \(path.pathText)"
        case .notListed(let path): "\(path.pathText) was not there to be listed"
        case .listed(let path): "\(path.pathText) was there and is not listed"
        case .namesOutOfOrder(let path): "\(path.pathText) does not come in the order of bytes"
        case .namesCount(let count): "there were \(count) names"
        }
    }

    private func authors(_ contradiction: TreeContradiction, _ action: TreeAction) -> [Int] {
        switch contradiction {
        case .notListed(let path), .listed(let path): authors(of: path)
        case .refusal, .path: authors(of: action.path) + (action.path.parent.map(authors) ?? [])
        case .value, .version, .created, .modified: authors(of: action.path)
        case .childRevision, .children: changersOfChildren(of: action.path)
        case .namesOutOfOrder, .namesCount: []
        case .number:
            switch action.kind {
            case .list, .count: []
            default: authors(of: action.path)
            }
        }
    }

    /// A list of too few names says which one is missing.
    func sharpened(_ contradiction: TreeContradiction, _ action: TreeAction) -> TreeContradiction {
        guard case .namesCount = contradiction, case .names(let names)? = action.answer,
            case .list(let scope) = action.kind
        else { return contradiction }
        let given = Set(names)
        return listed(action.path, scope).first { !given.contains($0) }.map(TreeContradiction.listed) ?? contradiction
    }
}
