/// Finds a cycle worth showing, names its anomaly and tells it.
enum AppendCycles {
    /// Edges that the search for short cycles may follow. Behind that the shortest one found so far is shown.
    static let edgeVisitsMax = 20_000_000

    /// A cycle of dependencies alone if there is one, since no serializable database allows it; else the shorter one
    /// of process order and of real time.
    static func plainest(in graph: DependencyGraph) -> [DependencyGraph.Edge]? {
        if let found = plainest(in: graph, with: []) { return found }
        let process = plainest(in: graph, with: .process)
        let realTime = plainest(in: graph, with: .realTime)
        guard let process, let realTime else { return process ?? realTime }
        return realTime.count < process.count ? realTime : process
    }

    private static func plainest(
        in graph: DependencyGraph, with order: DependencyGraph.Kinds
    ) -> [DependencyGraph.Edge]? {
        let dependencies: [DependencyGraph.Kinds] = [
            .writeWrite, [.writeWrite, .writeRead], [.writeWrite, .writeRead, .readWrite],
        ]
        for dependency in dependencies {
            let kinds = dependency.union(order).union(.rest)
            let components = graph.components(along: kinds).sorted { ($0.count, $0[0]) < ($1.count, $1[0]) }
            guard !components.isEmpty else { continue }
            var search = CycleSearch(graph, kinds, components)
            if dependency.contains(.readWrite), let single = search.shortest(readWriteMax: 1) { return single }
            return search.shortest(readWriteMax: .max)
        }
        return nil
    }

    static func anomaly(_ cycle: [DependencyGraph.Edge]) -> String {
        let kinds = cycle.reduce(DependencyGraph.Kinds()) { $0.union($1.kinds) }
        let readWrites = cycle.count { $0.kinds == .readWrite }
        let name =
            switch readWrites {
            case 0: kinds.contains(.writeRead) ? "G1c" : "G0"
            case 1: "G-single"
            default: "G2"
            }
        return name + (kinds.contains(.realTime) ? "-realtime" : kinds.contains(.process) ? "-process" : "")
    }

    static func violation(_ cycle: [DependencyGraph.Edge], in history: AppendHistory) -> Violation {
        var transactions: [Int] = []
        for edge in cycle { transactions += [edge.from] + witnesses(of: edge, in: history) }
        let cast = Cast(transactions, history)
        let steps = cycle.map { edge in
            "\(sentence(edge, history, cast)), so \(cast.name(edge.from)) is before \(cast.name(edge.to))"
        }
        return cast.violation(
            "\(anomaly(cycle)): each of these comes before the next, and the last before the first: "
                + steps.joined(separator: "; "))
    }

    private static func sentence(_ edge: DependencyGraph.Edge, _ history: AppendHistory, _ cast: Cast) -> String {
        let (from, to) = (cast.name(edge.from), cast.name(edge.to))
        if edge.kinds == .process { return "one process did \(from) and then \(to)" }
        if edge.kinds == .realTime { return "\(from) had completed before \(to) began" }
        guard history.lists.indices.contains(edge.list) else { return "\(from) came before \(to)" }
        let list = history.lists[edge.list]
        let order = list.order
        let name = list.name.shown
        let unread = list.values.first { list.appends[$0]?.transaction == edge.to && !order.contains($0) }
        let appended = order.indices.contains(edge.place) ? order[edge.place] : unread ?? .null
        let last = order.indices.contains(edge.place) ? order[..<edge.place].last : order.last
        switch edge.kinds {
        case .writeRead: return "\(from) appended \(appended.shown) to \(name) before \(to) read it"
        case .writeWrite:
            return "\(from) appended \(last?.shown ?? "nothing") to \(name) before \(to) appended \(appended.shown)"
        default:
            let seen = last.map { "ending with \($0.shown)" } ?? "empty"
            return "\(from) read \(name) \(seen), without the \(appended.shown) that \(to) appended"
        }
    }

    /// Whose read shows that `edge` is there, when neither end does.
    private static func witnesses(of edge: DependencyGraph.Edge, in history: AppendHistory) -> [Int] {
        guard edge.kinds == .writeWrite || edge.kinds == .readWrite, history.lists.indices.contains(edge.list)
        else { return [] }
        let list = history.lists[edge.list]
        guard edge.place >= 0 else {
            // Who appended what nobody read happened in any case when it was acknowledged; the read that came closest
            // shows the append before it.
            return list.longest.map { [list.reads[$0].transaction] } ?? []
        }
        return list.reads.first { $0.list.count > edge.place }.map { [$0.transaction] } ?? []
    }
}

/// Searches the components of a graph for their shortest cycle, breadth first from one transaction after the other.
private struct CycleSearch {
    private let graph: DependencyGraph
    private let kinds: DependencyGraph.Kinds
    private let components: [[Int]]
    private var componentOf: [Int]
    private var edgeVisits = 0
    /// Of a node, without and with a read-write edge on the way: the search that reached it last, and by which edge.
    private var reachedIn: [Int]
    private var reachedBy: [Int]
    private var round = 0

    init(_ graph: DependencyGraph, _ kinds: DependencyGraph.Kinds, _ components: [[Int]]) {
        self.graph = graph
        self.kinds = kinds
        self.components = components
        componentOf = [Int](repeating: -1, count: graph.nodes)
        for (number, members) in components.enumerated() {
            for member in members { componentOf[member] = number }
        }
        reachedIn = [Int](repeating: -1, count: 2 * graph.nodes)
        reachedBy = reachedIn
    }

    /// The shortest cycle with at most `readWriteMax` (one, or any number) read-write edges.
    mutating func shortest(readWriteMax: Int) -> [DependencyGraph.Edge]? {
        edgeVisits = 0
        var best: [DependencyGraph.Edge]?
        for members in components {
            for start in members where start < graph.firstJoint {
                if edgeVisits > AppendCycles.edgeVisitsMax { return best }
                let lengthMax = best.map { $0.count - 1 } ?? .max
                if let cycle = cycle(through: start, lengthMax, isSingle: readWriteMax == 1) { best = cycle }
                if best?.count == 2 { return best }
            }
        }
        return best
    }

    private mutating func cycle(through start: Int, _ lengthMax: Int, isSingle: Bool) -> [DependencyGraph.Edge]? {
        round += 1
        // States: a node, and whether a read-write edge led to it where only one may.
        var level = [start * 2]
        var length = 0
        reachedIn[start * 2] = round
        reachedBy[start * 2] = -1
        while !level.isEmpty && length < lengthMax {
            var next: [Int] = []
            var at = 0
            while at < level.count {
                let state = level[at]
                at += 1
                for index in graph.out(of: state / 2) {
                    edgeVisits += 1
                    let edge = graph.edges[index]
                    guard !edge.kinds.isDisjoint(with: kinds), componentOf[edge.to] == componentOf[start]
                    else { continue }
                    let isReadWrite = isSingle && edge.kinds == .readWrite
                    if isReadWrite && state % 2 == 1 { continue }
                    let reached = edge.to * 2 + (isReadWrite ? 1 : state % 2)
                    if edge.to == start { return way(to: state, last: index) }
                    guard reachedIn[reached] != round else { continue }
                    reachedIn[reached] = round
                    reachedBy[reached] = index
                    // A joint costs nothing: it is reached in the step that leads behind it.
                    if edge.to >= graph.firstJoint { level.append(reached) } else { next.append(reached) }
                }
            }
            level = next
            length += 1
        }
        return nil
    }

    /// The edges from the start to `state` and along `last`, those of joints drawn together.
    private func way(to state: Int, last: Int) -> [DependencyGraph.Edge] {
        var indices = [last]
        var state = state
        while reachedBy[state] >= 0 {
            let index = reachedBy[state]
            indices.append(index)
            let edge = graph.edges[index]
            state = edge.from * 2 + (edge.kinds == .readWrite ? 0 : state % 2)
        }
        var cycle: [DependencyGraph.Edge] = []
        for index in indices.reversed() {
            let edge = graph.edges[index]
            if edge.from < graph.firstJoint {
                cycle.append(edge)
            } else if !cycle.isEmpty {
                cycle[cycle.count - 1].to = edge.to
            }
        }
        return cycle
    }
}
