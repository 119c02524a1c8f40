/// A graph of what must come before what. Besides the transactions it has joints: nodes that stand for nothing and
/// keep the number of edges linear where many come before many (all that had completed before all that began later).
struct DependencyGraph {
    /// Kinds of edges, as a set.
    struct Kinds: OptionSet {
        var rawValue: UInt8
        /// One appended right before the other.
        static let writeWrite = Kinds(rawValue: 1)
        /// One read what the other appended.
        static let writeRead = Kinds(rawValue: 2)
        /// One read the list without what the other appended.
        static let readWrite = Kinds(rawValue: 4)
        /// One process did both, one after the other.
        static let process = Kinds(rawValue: 8)
        /// One had completed before the other began.
        static let realTime = Kinds(rawValue: 16)
        /// Out of a joint: the rest of an edge that led into it.
        static let rest = Kinds(rawValue: 32)

        static let all = Kinds(rawValue: 63)
    }

    struct Edge {
        var from: Int
        var to: Int
        var kinds: Kinds
        /// Which list it is about, and at which place of it `to` appended; −1 behind all that was ever read.
        var list = -1
        var place = -1
    }

    private(set) var nodes: Int
    /// Nodes from here on are joints.
    let firstJoint: Int
    private(set) var edges: [Edge] = []
    /// After `seal`, the edges out of node n are `edges[starts[n]..<starts[n + 1]]`.
    private var starts: [Int] = []

    init(transactions: Int) {
        nodes = transactions
        firstJoint = transactions
    }

    mutating func makeJoint() -> Int {
        nodes += 1
        return nodes - 1
    }

    mutating func add(_ edge: Edge) {
        guard edge.from != edge.to else { return }
        edges.append(edge)
    }

    /// Orders the edges by the node that they leave, in the order of their making.
    mutating func seal() {
        var counts = [Int](repeating: 0, count: nodes + 1)
        for edge in edges { counts[edge.from + 1] += 1 }
        for node in 0..<nodes { counts[node + 1] += counts[node] }
        starts = counts
        var sorted = edges
        for edge in edges {
            sorted[counts[edge.from]] = edge
            counts[edge.from] += 1
        }
        edges = sorted
    }

    func out(of node: Int) -> Range<Int> { starts[node]..<starts[node + 1] }

    func hasCycle(along kinds: Kinds) -> Bool { !components(along: kinds).isEmpty }

    /// The strongly connected components of more than one node, each in ascending order: Tarjan's algorithm, with a
    /// stack of its own, since a history is as deep as it is long.
    func components(along kinds: Kinds) -> [[Int]] {
        var search = ComponentSearch(nodes: nodes)
        for root in 0..<nodes where search.isNew(root) {
            search.enter(root, edgesFrom: starts[root])
            while let node = search.top {
                let next = search.nextEdge[node]
                guard next < starts[node + 1] else {
                    search.leave(node)
                    continue
                }
                search.nextEdge[node] = next + 1
                guard !edges[next].kinds.isDisjoint(with: kinds) else { continue }
                let to = edges[next].to
                if search.isNew(to) {
                    search.enter(to, edgesFrom: starts[to])
                } else {
                    search.look(from: node, at: to)
                }
            }
        }
        return search.found
    }
}

private struct ComponentSearch {
    var nextEdge: [Int]
    private(set) var found: [[Int]] = []
    private var number: [Int]
    private var lowest: [Int]
    private var isOpen: [Bool]
    private var path: [Int] = []
    private var open: [Int] = []
    private var entered = 0

    init(nodes: Int) {
        nextEdge = [Int](repeating: 0, count: nodes)
        number = [Int](repeating: -1, count: nodes)
        lowest = number
        isOpen = [Bool](repeating: false, count: nodes)
    }

    var top: Int? { path.last }

    func isNew(_ node: Int) -> Bool { number[node] < 0 }

    mutating func enter(_ node: Int, edgesFrom start: Int) {
        number[node] = entered
        lowest[node] = entered
        entered += 1
        nextEdge[node] = start
        isOpen[node] = true
        path.append(node)
        open.append(node)
    }

    mutating func look(from node: Int, at other: Int) {
        if isOpen[other] { lowest[node] = min(lowest[node], number[other]) }
    }

    mutating func leave(_ node: Int) {
        path.removeLast()
        if let parent = path.last { lowest[parent] = min(lowest[parent], lowest[node]) }
        guard lowest[node] == number[node] else { return }
        var members: [Int] = []
        while let member = open.popLast() {
            isOpen[member] = false
            members.append(member)
            if member == node { break }
        }
        if members.count > 1 { found.append(members.sorted()) }
    }
}
