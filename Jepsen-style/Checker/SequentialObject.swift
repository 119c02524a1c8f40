/// What one copy of an object does, one action after the other: the specification that a history is held against.
package protocol SequentialObject {
    associatedtype State: Hashable
    /// An operation and its answer, parsed once. One of unknown outcome carries no answer and accepts any.
    associatedtype Action

    /// The state after `action`; `nil` when one copy in `state` could not have answered so.
    func step(_ state: State, _ action: Action) -> State?

    /// Whether `action` leaves every state that accepts it as it is. `true` only makes a search faster.
    func isRead(_ action: Action) -> Bool

    /// About how many bytes a search holds for `state`.
    func approximateBytes(of state: State) -> Int
}

extension SequentialObject {
    package func isRead(_ action: Action) -> Bool { false }

    package func approximateBytes(of state: State) -> Int { MemoryLayout<State>.stride }
}
