/// What a history is of.
package enum Model: String, CaseIterable, Sendable {
    case register
    case casRegister = "cas-register"
    case keyValue = "key-value"
    /// Concord's own tree of nodes; docs/histories.md has its functions.
    case tree
    case set
    case setFull = "set-full"
    case counter
    case queue
    case mutex
    /// A lock whose grants carry tokens.
    case lock
    case listAppend = "list-append"
}
