import ConcordBytes
import ConcordModel
import ConcordState

/// The image of a state, with the state hash put right: what is taken for a state keeps its rules through any command,
/// and has one image.
func fuzz(_ input: [UInt8]) {
    guard var machine = state(of: input) else { return }
    precondition(machine.recomputedHash() == machine.stateHash, "the hash is not that of what is there")
    precondition(state(of: image(of: machine))?.stateHash == machine.stateHash, "its own image is another state")
    for round in 0..<3 {
        machine.beginEntry(epoch: Epoch(9), clock: machine.clock + 700_000 * UInt64(round))
        for command in commands(round) { _ = machine.apply(command) }
    }
    precondition(machine.recomputedHash() == machine.stateHash, "the hash went astray")
}

/// Everything that moves links, sums and queues.
private func commands(_ round: Int) -> [Command] {
    let sequence = UInt64(round) + 2
    let identities: [(Origin?, RetryIdentity)] = [
        (nil, .key([0x6B, UInt8(round)])),
        (nil, .client(ClientCall(client: 77, sequence: sequence, done: sequence - 1))),
        (Origin(member: 9, boot: 3, sequence: sequence, done: sequence - 1), .none),
    ]
    let put = PutOperation(key: Key(text: "/a/b"), value: [1], createsParents: true)
    var commands = identities.map { Command(operation: .put(put), origin: $0.0, retry: $0.1) }
    commands.append(
        Command(
            operation: .createSequential(
                CreateSequentialOperation(
                    parent: Key(text: "/a"), prefix: [0x6A], value: nil, width: 20, createsParents: true))))
    commands.append(Command(operation: .increment(IncrementOperation(key: Key(text: "/n"), amount: 1))))
    commands.append(Command(operation: .delete(DeleteOperation(key: Key(text: "/a"), recursive: true))))
    commands.append(Command(operation: .delete(DeleteOperation(key: Key(text: "flat/x")))))
    commands.append(Command(operation: .changeSettings([SettingValue(.historyRevisionsMax, 1)])))
    return commands
}

private func image(of machine: StateMachine) -> [UInt8] {
    var writer = StateImageWriter(machine)
    return writer.next(bytes: .max >> 1) ?? []
}

private func state(of image: [UInt8]) -> StateMachine? {
    do throws(StateImageError) { return try read(image) } catch {
        guard case .otherHash(let hash) = error else { return nil }
        var writer = ByteWriter()
        writer.write(hash)
        var forged = image
        forged.replaceSubrange(StateImage.hashBytes, with: writer.bytes)
        return try? read(forged)
    }
}

private func read(_ image: [UInt8]) throws(StateImageError) -> StateMachine {
    var reader = StateImageReader()
    try reader.read(image)
    return try reader.finish()
}
