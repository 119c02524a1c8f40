/// Judges watches: each stream tells all changes of its part of the tree, and nothing else, in the order of revisions,
/// each revision once and whole, from where it was asked to begin; all streams tell the same; and who has heard of a
/// revision never reads an older state. Its functions are in docs/histories.md.
package enum WatchChecker {
    package static func check(_ operations: [RecordedOperation]) -> Verdict {
        .of { () throws(MalformedHistory) in
            let ordered = operations.sorted { ($0.invoked, $0.returned) < ($1.invoked, $1.returned) }
            let streams = try WatchStream.all(ordered)
            for stream in streams {
                if let found = stream.misbehaviour() { return found }
            }
            var changes = try KnownChanges(ordered)
            for stream in streams {
                for event in stream.events {
                    if let found = changes.learn(event) { return found }
                }
            }
            if let found = changes.wrongPrevious() { return found }
            if let found = changes.missing(in: streams) { return found }
            return staleRead(ordered, streams)
        }
    }

    /// A read that began after an event had arrived, and was answered from an older state.
    private static func staleRead(_ operations: [RecordedOperation], _ streams: [WatchStream]) -> Violation? {
        let reading: Set<String> = ["get", "list", "count"]
        let heard = streams.flatMap(\.said).sorted { $0.operation.returned < $1.operation.returned }
        var next = 0
        var highest: WatchStream.Said?
        for read in operations where reading.contains(read.function) && read.outcome == .ok {
            if read.argument["local"] == .bool(true) || read.argument["at"] != nil { continue }
            while next < heard.count && heard[next].operation.returned < read.invoked {
                if highest.map({ $0.revision < heard[next].revision }) ?? true { highest = heard[next] }
                next += 1
            }
            guard let highest, let revision = read.revision, revision < highest.revision else { continue }
            return .of(
                "revision \(highest.revision) had been told to \(highest.operation.place), and a read that began "
                    + "afterwards was answered from revision \(revision)", [highest.operation, read])
        }
        return nil
    }
}
