/// How far a stream has come.
private struct StreamPlace {
    /// Everything up to here was told, or lies before what was asked for.
    var told: Int64?
    var last: RecordedOperation
    /// A revision of which parts are to come.
    var open: (revision: Int64, part: Int64)?
    /// What was told of it, or of the present in the beginning.
    var paths: Set<WatchPath> = []
    var isSynced = false
    var ended: RecordedOperation?
}

extension WatchStream {
    /// What is wrong with the stream by itself: order, repetition, torn revisions, events of other parts of the tree.
    func misbehaviour() -> Violation? {
        var place = StreamPlace(told: from.map { $0 - 1 }, last: opening)
        for (document, operation) in documents {
            if let fault = fault(document, &place) {
                return .of("\(opening.place), watching \(scope.path): \(fault)", [opening, place.last, operation])
            }
            place.last = operation
        }
        return nil
    }

    private func fault(_ document: Document, _ place: inout StreamPlace) -> String? {
        if place.ended != nil { return "the stream went on after it had said compacted" }
        if let open = place.open {
            guard case .events(open.revision, open.part + 1, _, _) = document else {
                return "revision \(open.revision) was torn: something else came before its last part"
            }
        }
        switch document {
        case .initial(let path, let revision): return initial(path, revision, &place)
        case .synced(let revision):
            if from != nil || place.isSynced { return "synced came where it may not" }
            place.isSynced = true
            place.paths = []
            place.told = revision
            return nil
        case .progress(let revision):
            guard let told = place.told else { return "progress came before synced" }
            if revision < told { return "progress fell back from \(told) to \(revision)" }
            place.told = revision
            return nil
        case .compacted(let firstAvailable):
            if let told = place.told, firstAvailable <= told + 1 {
                return "it was told compacted, though \(told + 1), its next revision, was still there"
            }
            place.ended = place.last
            return nil
        case .events(let revision, let part, let isLast, let events):
            return self.events(revision, part, isLast, events, &place)
        }
    }

    private func initial(_ path: WatchPath, _ revision: Int64?, _ place: inout StreamPlace) -> String? {
        if opening.argument["initial"] != .bool(true) || from != nil || place.isSynced {
            return "an initial node came where none was asked for"
        }
        if !scope.contains(path) { return "\(path) is none of it" }
        return place.paths.insert(path).inserted ? nil : "\(path) came twice in the beginning"
    }

    private func events(
        _ revision: Int64, _ part: Int64?, _ isLast: Bool, _ events: [WatchEvent], _ place: inout StreamPlace
    ) -> String? {
        guard let told = place.told else { return "an event came before synced" }
        if revision <= told {
            return from == told + 1 && place.last == opening
                ? "revision \(revision) lies before the beginning, \(told + 1)"
                : "revision \(revision) came after \(told) had been told: out of order, or again"
        }
        if place.open == nil {
            if let part, part != 1 { return "revision \(revision) began with part \(part)" }
            place.paths = []
        }
        for event in events {
            if !scope.contains(event.path) { return "\(event.path) is none of it" }
            if !place.paths.insert(event.path).inserted {
                return "\(event.path) came twice in revision \(revision)"
            }
        }
        place.open = isLast ? nil : (revision, part ?? 1)
        if isLast { place.told = revision }
        return nil
    }
}
