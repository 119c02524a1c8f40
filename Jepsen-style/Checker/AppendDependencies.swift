/// The graph of a history of appends whose reads are beginnings of one order for each list.
enum AppendDependencies {
    static func graph(of history: AppendHistory) -> DependencyGraph {
        var graph = DependencyGraph(transactions: history.transactions.count)
        for key in history.lists.indices { addList(key, history, to: &graph) }
        addProcesses(history, to: &graph)
        addRealTime(history, to: &graph)
        graph.seal()
        return graph
    }

    private static func addList(_ key: Int, _ history: AppendHistory, to graph: inout DependencyGraph) {
        let list = history.lists[key]
        let writers = list.order.compactMap { list.appends[$0]?.transaction }
        for place in writers.indices.dropFirst() {
            graph.add(.init(from: writers[place - 1], to: writers[place], kinds: .writeWrite, list: key, place: place))
        }
        /// Who came directly before whatever was appended behind the last value read, and how.
        var lastSeers: [(transaction: Int, kinds: DependencyGraph.Kinds)] = []
        if let last = writers.last { lastSeers.append((last, .writeWrite)) }
        for read in list.reads {
            let count = read.list.count
            if count > 0 {
                graph.add(
                    .init(
                        from: writers[count - 1], to: read.transaction, kinds: .writeRead, list: key, place: count - 1))
            }
            // Who read its own append comes before the next one as its writer.
            if count > 0 && writers[count - 1] == read.transaction { continue }
            if count < writers.count {
                graph.add(
                    .init(from: read.transaction, to: writers[count], kinds: .readWrite, list: key, place: count))
            } else {
                lastSeers.append((read.transaction, .readWrite))
            }
        }
        addUnread(key, list, after: lastSeers, history, to: &graph)
    }

    /// What happened and was never read came behind all that was read.
    private static func addUnread(
        _ key: Int, _ list: AppendHistory.List, after seers: [(transaction: Int, kinds: DependencyGraph.Kinds)],
        _ history: AppendHistory, to graph: inout DependencyGraph
    ) {
        let read = Set(list.order)
        var isUnread: Set<Int> = []
        var unread: [Int] = []
        for value in list.values where !read.contains(value) {
            guard let append = list.appends[value], history.transactions[append.transaction].happened else { continue }
            if isUnread.insert(append.transaction).inserted { unread.append(append.transaction) }
        }
        guard !unread.isEmpty else { return }
        let joint = graph.makeJoint()
        for writer in unread { graph.add(.init(from: joint, to: writer, kinds: .rest, list: key)) }
        // One that is on both sides must not reach itself through the joint; one such is enough to stand for all,
        // since two of them are a cycle already.
        var first: Int?
        for seer in seers {
            guard isUnread.contains(seer.transaction) else {
                graph.add(.init(from: seer.transaction, to: joint, kinds: seer.kinds, list: key))
                continue
            }
            if let first, first != seer.transaction {
                graph.add(.init(from: seer.transaction, to: first, kinds: seer.kinds, list: key))
            } else {
                first = seer.transaction
                for writer in unread {
                    graph.add(.init(from: seer.transaction, to: writer, kinds: seer.kinds, list: key))
                }
            }
        }
    }

    private static func addProcesses(_ history: AppendHistory, to graph: inout DependencyGraph) {
        var last: [Int: Int] = [:]
        for index in byInvocation(history) where history.transactions[index].outcome == .ok {
            let process = history.transactions[index].process
            if let before = last[process], history.operation(before).returned < history.operation(index).invoked {
                graph.add(.init(from: before, to: index, kinds: .process))
            }
            last[process] = index
        }
    }

    /// One joint for each stretch of completions between two invocations, each leading to the next: of all that
    /// completed before an invocation, the edges are as many as there are transactions.
    private static func addRealTime(_ history: AppendHistory, to graph: inout DependencyGraph) {
        let invocations = byInvocation(history).filter { history.transactions[$0].happened }
        let completions = invocations.filter { history.transactions[$0].outcome == .ok }
            .sorted { (history.operation($0).returned, $0) < (history.operation($1).returned, $1) }
        var next = 0
        var joint: Int?
        for index in invocations {
            let began = history.operation(index).invoked
            if next < completions.count && history.operation(completions[next]).returned < began {
                let made = graph.makeJoint()
                if let joint { graph.add(.init(from: joint, to: made, kinds: .rest)) }
                joint = made
                while next < completions.count && history.operation(completions[next]).returned < began {
                    graph.add(.init(from: completions[next], to: made, kinds: .realTime))
                    next += 1
                }
            }
            if let joint { graph.add(.init(from: joint, to: index, kinds: .rest)) }
        }
    }

    private static func byInvocation(_ history: AppendHistory) -> [Int] {
        history.transactions.indices.sorted {
            (history.operation($0).invoked, $0) < (history.operation($1).invoked, $1)
        }
    }
}
