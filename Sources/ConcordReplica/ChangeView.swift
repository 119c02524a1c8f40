import ConcordModel
import ConcordRaft

extension ClusterView {
    /// For people: what must happen before the change under way goes on; empty without one.
    package var changeWaitsFor: String {
        guard let change else { return "" }
        if members.contains(where: { $0.role == .incoming || $0.role == .outgoing }) {
            return "a majority of the old members and one of the new ones, to end it"
        }
        if change.isCancelled { return "the new members to be taken out again" }
        let late = change.add.filter { addition in
            guard let member = members.first(where: { $0.id.rawValue == addition.id }) else { return true }
            return member.lag != 0
        }
        if !late.isEmpty { return "\(late.map(\.name).joined(separator: ", ")) to catch up" }
        return "a majority of the members that it leaves to answer, with a state that is not known to be wrong"
    }
}
