package import ConcordBytes
package import ConcordStorage

/// A directory in memory that loses, tears and reorders what was not synchronised, as the worst of real disks
/// may, and that fails where it is told to. The same seed fails the same way.
///
/// Bytes become durable by sectors of 512 bytes (`SimulatedFile`). Names become durable in the order in which
/// they were changed: a power cut keeps some first part of the changes since the directory was last synchronised.
package final class SimulatedDisk: Disk {
    /// What is done to an operation.
    package enum Fault: Equatable, Sendable {
        /// The power is cut: before it begins, while it runs, or after it was done and before anyone was told.
        case powerCut(Moment)
        /// It fails with EIO, half done. Later operations succeed, and a later fsync tells nothing of it.
        case ioError
        /// It fails for want of space, half done.
        case full
        /// The process is killed while it runs; what was written is still seen afterwards, durable or not.
        case kill
    }

    package enum Moment: CaseIterable, Sendable {
        case before
        case during
        case after
    }

    /// Bytes of all files together; more are refused as `full`. `nil`: no bound.
    package var capacityBytes: Int?
    /// How many operations that change something were begun: writes, fsyncs, and changes of names. `open` counts
    /// when it makes a file.
    package private(set) var operations = 0
    /// What the operations were, if `keepsHistory`.
    package private(set) var history: [String] = []
    package var keepsHistory = false
    /// Whether power or process is gone: everything fails until `restart`.
    package private(set) var isOff = false

    /// Errors that it was told to make, or that come of its capacity.
    private(set) var ioErrorsMade = 0
    private(set) var fullErrorsMade = 0
    /// How often somebody was told that it is full.
    package var fullErrorsMet: Int { fullErrorsMade }
    private var lastMadeError: DiskError?

    /// What power cuts have done to sectors that were not synchronised.
    package private(set) var losses = SectorLosses()

    private var random: SeededRandom
    private var faults: [Int: Fault] = [:]
    private var seenNames: [String: SimulatedFile] = [:]
    private var durableNames: [String: SimulatedFile] = [:]
    private var nameChanges: [NameChange] = []
    private var handles: [Int: (name: String, file: SimulatedFile)] = [:]
    private var lastHandle = 0

    private enum NameChange {
        case link(String, SimulatedFile)
        case rename(String, String)
        case remove(String)

        func apply(to names: inout [String: SimulatedFile]) {
            switch self {
            case .link(let name, let file): names[name] = file
            case .rename(let name, let newName): names[newName] = names.removeValue(forKey: name)
            case .remove(let name): names[name] = nil
            }
        }
    }

    package init(seed: UInt64, capacityBytes: Int? = nil) {
        random = SeededRandom(seed: seed)
        self.capacityBytes = capacityBytes
    }

    // MARK: Faults

    /// Lets operation `number` (as `operations` counts) meet `fault`.
    package func arm(_ fault: Fault, at number: Int) {
        faults[number] = fault
    }

    /// Forgets faults that have not happened.
    package func disarm() {
        faults.removeAll()
    }

    /// Cuts the power: what was not synchronised survives as chance has it.
    package func cutPower() {
        isOff = true
        handles.removeAll()
        for change in nameChanges.prefix(Int(random.below(UInt64(nameChanges.count) + 1))) {
            change.apply(to: &durableNames)
        }
        nameChanges.removeAll()
        seenNames = durableNames
        for (_, file) in seenNames.sorted(by: { $0.key < $1.key }) { losses.add(file.lose(using: &random)) }
    }

    /// Ends the process that uses the disk: its files are closed, and what it wrote is still seen, durable or not.
    package func kill() {
        isOff = true
        handles.removeAll()
    }

    /// Turns the power on again, or starts the process again.
    package func restart() {
        isOff = false
        handles.removeAll()
    }

    // MARK: Looking at rest

    /// What a power cut now would keep at least.
    package func durableSnapshot() -> [String: [UInt8]] {
        durableNames.mapValues(\.durable)
    }

    /// The content of a file as programs see it.
    package func contents(of name: String) -> [UInt8]? {
        seenNames[name]?.seen
    }

    /// Puts a file there, durable, in place of any of that name.
    package func replaceContents(of name: String, with bytes: [UInt8]) {
        let file = seenNames[name] ?? SimulatedFile()
        file.replace(with: bytes)
        seenNames[name] = file
        durableNames[name] = file
    }

    /// Takes a file away, durably.
    package func discard(_ name: String) {
        seenNames[name] = nil
        durableNames[name] = nil
    }

    /// Lets one bit rot.
    package func flipBit(_ bit: Int, ofByte offset: Int, in name: String) {
        guard var bytes = contents(of: name), bytes.indices.contains(offset) else { return }
        bytes[offset] ^= 1 << UInt8(bit % 8)
        replaceContents(of: name, with: bytes)
    }

    /// Lets one bit rot, anywhere in the files; rather where something was written. Each file is as likely as any
    /// other, however short it is.
    /// - Returns: where, or `nil` when there is nothing.
    package func rot(using random: inout SeededRandom) -> (file: String, offset: Int)? {
        let files = seenNames.filter { !$0.value.seen.isEmpty }.sorted { $0.key < $1.key }
        guard !files.isEmpty else { return nil }
        let (name, file) = files[Int(random.below(UInt64(files.count)))]
        let written = file.seen.indices.filter { file.seen[$0] != 0 }
        let offset =
            written.isEmpty || random.chance(percent: 2)
            ? Int(random.below(UInt64(file.seen.count))) : written[Int(random.below(UInt64(written.count)))]
        flipBit(Int(random.below(8)), ofByte: offset, in: name)
        return (name, offset)
    }

    /// Lets one bit rot where something was written last in the files whose names begin so.
    func rotEnd(of prefix: String, using random: inout SeededRandom) -> (file: String, offset: Int)? {
        let files = seenNames.filter { $0.key.hasPrefix(prefix) && $0.value.seen.contains { $0 != 0 } }
        guard let (name, file) = files.max(by: { $0.key < $1.key }), let last = file.seen.lastIndex(where: { $0 != 0 })
        else { return nil }
        let block = last / StorageLimits.blockBytes * StorageLimits.blockBytes
        let written = (block...last).filter { file.seen[$0] != 0 }
        let offset = written[Int(random.below(UInt64(written.count)))]
        flipBit(Int(random.below(8)), ofByte: offset, in: name)
        return (name, offset)
    }

    /// Takes everything away, as `rm -r` does.
    package func erase() {
        seenNames.removeAll()
        durableNames.removeAll()
        nameChanges.removeAll()
        handles.removeAll()
    }

    /// Leaves room for this many more bytes.
    package func fill(leaving bytes: Int) {
        capacityBytes = seenNames.values.reduce(bytes) { $0 + $1.seen.count }
    }

    /// A disk that holds what this one holds durably, and knows of no faults.
    package func copy(seed: UInt64) -> SimulatedDisk {
        let copy = SimulatedDisk(seed: seed, capacityBytes: capacityBytes)
        for (name, bytes) in durableSnapshot() { copy.replaceContents(of: name, with: bytes) }
        return copy
    }

    // MARK: Disk

    package func open(_ name: String, creating: Bool) throws(DiskError) -> DiskFile {
        try checkPower("open \(name)")
        if let file = seenNames[name] {
            if !handles.values.contains(where: { $0.file === file }) { file.dropCache() }
            return handle(name, file)
        }
        guard creating else { throw DiskError(.notFound, operation: "open \(name)") }
        let file = SimulatedFile()
        let run = try begin("create \(name)")
        change(.link(name, file), in: run)
        try end(run)
        return handle(name, file)
    }

    package func close(_ file: DiskFile) {
        handles[file.number] = nil
    }

    package func size(of file: DiskFile) throws(DiskError) -> Int {
        try opened(file, "size").file.seen.count
    }

    package func read(_ file: DiskFile, at offset: Int, count: Int) throws(DiskError) -> [UInt8] {
        let seen = try opened(file, "read").file.seen
        guard offset >= 0, count > 0, offset < seen.count else { return [] }
        return Array(seen[offset..<min(seen.count, offset + count)])
    }

    package func write(_ bytes: [UInt8], to file: DiskFile, at offset: Int) throws(DiskError) {
        let (name, file) = try opened(file, "write")
        let run = try begin("write \(name)")
        let fitting = min(bytes.count, room(for: file, writingAt: offset))
        let written = run.isPartial ? Int(random.below(UInt64(fitting) + 1)) : fitting
        file.write(bytes[..<written], at: offset)
        try end(run)
        guard fitting == bytes.count else { throw make(.full, run) }
    }

    package func synchronize(_ file: DiskFile) throws(DiskError) {
        let (name, file) = try opened(file, "synchronize")
        let run = try begin("synchronize \(name)")
        if run.isPartial {
            file.synchronizePartly(using: &random)
            if run.failsAlone { file.failSynchronization() }
        } else {
            file.synchronize()
        }
        try end(run)
    }

    package func rename(_ name: String, to newName: String) throws(DiskError) {
        let run = try begin("rename \(name)")
        guard seenNames[name] != nil else { throw DiskError(.notFound, operation: run.operation) }
        change(.rename(name, newName), in: run)
        try end(run)
    }

    package func remove(_ name: String) throws(DiskError) {
        let run = try begin("remove \(name)")
        guard seenNames[name] != nil else { throw DiskError(.notFound, operation: run.operation) }
        change(.remove(name), in: run)
        try end(run)
    }

    package func list() throws(DiskError) -> [String] {
        try checkPower("list")
        return seenNames.keys.sorted()
    }

    package func synchronizeDirectory() throws(DiskError) {
        let run = try begin("synchronize directory")
        let count = run.isPartial ? Int(random.below(UInt64(nameChanges.count) + 1)) : nameChanges.count
        for change in nameChanges.prefix(count) { change.apply(to: &durableNames) }
        nameChanges.removeFirst(count)
        try end(run)
    }

    // MARK: Running operations

    /// An operation that has begun, and what it meets.
    private struct Run {
        var operation: String
        var fault: Fault?

        /// Whether the operation fails and everything else goes on.
        var failsAlone: Bool {
            switch fault {
            case .ioError, .full: true
            case .powerCut, .kill, nil: false
            }
        }

        /// Whether only a part of it takes effect.
        var isPartial: Bool {
            switch fault {
            case nil, .powerCut(.after): false
            case .powerCut, .ioError, .full, .kill: true
            }
        }
    }

    private func begin(_ operation: String) throws(DiskError) -> Run {
        try checkPower(operation)
        operations += 1
        if keepsHistory { history.append(operation) }
        let run = Run(operation: operation, fault: faults.removeValue(forKey: operations))
        if run.fault == .powerCut(.before) { try end(run) }
        return run
    }

    private func end(_ run: Run) throws(DiskError) {
        switch run.fault {
        case nil: return
        case .powerCut:
            cutPower()
            try checkPower(run.operation)
        case .kill:
            kill()
            try checkPower(run.operation)
        case .ioError: throw make(.failed(errno: SimulatedDisk.ioErrorNumber), run)
        case .full: throw make(.full, run)
        }
    }

    private func make(_ kind: DiskError.Kind, _ run: Run) -> DiskError {
        let error = DiskError(kind, operation: run.operation)
        lastMadeError = error
        if kind == .full { fullErrorsMade += 1 } else { ioErrorsMade += 1 }
        return error
    }

    /// Whether it made this error, and nobody has asked so far.
    func ownsUp(to error: DiskError) -> Bool {
        defer { lastMadeError = nil }
        return error == lastMadeError
    }

    /// Changes a name, unless the operation fails with an error.
    private func change(_ change: NameChange, in run: Run) {
        guard !run.failsAlone else { return }
        change.apply(to: &seenNames)
        nameChanges.append(change)
    }

    private func checkPower(_ operation: String) throws(DiskError) {
        guard !isOff else {
            throw DiskError(.failed(errno: SimulatedDisk.ioErrorNumber), operation: "\(operation), switched off")
        }
    }

    private func opened(
        _ file: DiskFile, _ operation: String
    ) throws(DiskError) -> (name: String, file: SimulatedFile) {
        try checkPower(operation)
        guard let handle = handles[file.number] else {
            throw DiskError(.failed(errno: SimulatedDisk.badFileNumber), operation: "\(operation) of a closed file")
        }
        return handle
    }

    private func handle(_ name: String, _ file: SimulatedFile) -> DiskFile {
        lastHandle += 1
        handles[lastHandle] = (name, file)
        return DiskFile(number: lastHandle)
    }

    /// How many bytes a write at `offset` may bring before the disk is full.
    private func room(for file: SimulatedFile, writingAt offset: Int) -> Int {
        guard let capacityBytes else { return Int.max }
        let used = seenNames.values.reduce(0) { $0 + $1.seen.count }
        return max(0, file.seen.count - offset + max(0, capacityBytes - used))
    }

    /// `EIO` and `EBADF` of Linux.
    private static let ioErrorNumber: Int32 = 5
    private static let badFileNumber: Int32 = 9
}
